// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An IP address that a name led to, judged by whose it is.
///
/// Names are often somebody else's to answer. One that suddenly means this machine, a link-local address or a cloud's
/// metadata service is not followed: only an administrator who grants the address itself gets those.
struct HostAddress: Sendable, Hashable {
  /// 4 or 16 bytes.
  let bytes: [UInt8]

  /// The IPv4 address within, when this is one in the clothes of IPv6: what the packet's way ends at.
  init(_ bytes: [UInt8]) { self.bytes = Self.embedded(bytes) ?? bytes }

  /// nil for what is neither IPv4 nor IPv6.
  init?(_ address: UnsafePointer<sockaddr>) {
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      self = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
        withUnsafeBytes(of: pointer.pointee.sin_addr) { HostAddress(Array($0)) }
      }
    case AF_INET6:
      self = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
        withUnsafeBytes(of: pointer.pointee.sin6_addr) { HostAddress(Array($0)) }
      }
    default: return nil
    }
  }

  /// An address just as it is written, `10.0.0.1` or `fd00::1`; nil for a name, and for numbers that only look like one.
  init?(literal text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      bytes = withUnsafeBytes(of: &six) { Array($0) }
    } else {
      return nil
    }
  }

  /// Whether it is another machine's, as far as this one can tell: by what its range is for, and none of `own`.
  func isOutside(own: Set<HostAddress>) -> Bool {
    if own.contains(self) { return false }
    if bytes.count == 4 {
      let metadata: [[UInt8]] = [[100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]]
      return
        !(bytes[0] == 0 || bytes[0] == 127 || bytes[0] >= 224 || (bytes[0] == 169 && bytes[1] == 254)
        || metadata.contains(bytes))
    }
    let isLocal = bytes[0] == 0xFF || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80)
    return !isLocal && !bytes.starts(with: [0xFD, 0x00, 0x0E, 0xC2])
  }

  /// The addresses of this machine's interfaces now.
  static func own() -> Set<HostAddress> {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var found: Set<HostAddress> = []
    var next = list
    while let one = next?.pointee {
      next = one.ifa_next
      if let address = one.ifa_addr, let own = HostAddress(UnsafePointer(address)) { found.insert(own) }
    }
    return found
  }

  private static func embedded(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count == 16 else { return nil }
    let last = Array(bytes[12...])
    // Mapped and compatible (RFC 4291; :: and ::1 are among them), NAT64 (RFC 6052, RFC 8215).
    if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10...11] == [0xFF, 0xFF] || bytes[10...11] == [0, 0] {
      return last
    }
    if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]) { return last }
    // 6to4 (RFC 3056), Teredo (RFC 4380), whose client's address is written upside down.
    if bytes.starts(with: [0x20, 0x02]) { return Array(bytes[2..<6]) }
    if bytes.starts(with: [0x20, 0x01, 0, 0]) { return last.map { ~$0 } }
    return nil
  }
}
