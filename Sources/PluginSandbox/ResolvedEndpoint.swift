// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A granted endpoint with the address it gets inside the plugin's network namespace.
struct ResolvedEndpoint: Sendable, Hashable {
  /// The granted name or address, as the plugin will use it.
  var host: String
  var port: UInt16
  /// Where the listener sits inside: the address itself when the grant names one, else one of 127.66.0.0/16.
  var insideAddress: [UInt8]

  /// Whether the grant names a host rather than an address.
  var isName: Bool { insideAddress.count == 4 && insideAddress.prefix(2) == [127, 66] }

  /// The line of `/etc/hosts` that leads the name to the listener; nil for a literal address.
  var hostsLine: String? {
    guard isName else { return nil }
    return insideAddress.map(String.init).joined(separator: ".") + " " + host
  }

  /// Whether an address that the name resolved to may be connected to.
  ///
  /// Names are often somebody else's to answer: one that suddenly means the host's own loopback, a link-local address
  /// (such as a cloud's metadata service) or none at all is not followed. An administrator who wants those grants the
  /// address itself, or `localhost`.
  func mayLead(to address: UnsafePointer<sockaddr>) -> Bool {
    guard isName, host != "localhost", !host.hasSuffix(".localhost") else { return true }
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
        withUnsafeBytes(of: pointer.pointee.sin_addr) { Self.isOutside(Array($0)) }
      }
    case AF_INET6:
      return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
        withUnsafeBytes(of: pointer.pointee.sin6_addr) { Self.isOutside(Array($0)) }
      }
    default: return false
    }
  }

  /// Whether the address is that of another machine, by what its range is for.
  static func isOutside(_ bytes: [UInt8]) -> Bool {
    if bytes.count == 4 {
      return !(bytes[0] == 0 || bytes[0] == 127 || bytes[0] >= 224 || (bytes[0] == 169 && bytes[1] == 254))
    }
    // An IPv4 address in the clothes of IPv6, mapped or compatible, is judged as what it is; ::1 and :: are among them.
    if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10...11] == [0xFF, 0xFF] || bytes[10...11] == [0, 0] {
      return isOutside(Array(bytes[12...]))
    }
    return !(bytes[0] == 0xFF || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80))
  }
}
