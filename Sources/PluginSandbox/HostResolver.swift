// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// Looks up names on behalf of the kernel's network file systems and block devices, which take addresses only.
public enum HostResolver {
  /// The first address of a host that is another machine's, in text; an address stays what it is.
  ///
  /// - Parameter isNamed: whether the grant itself spells the host out. An address (or `localhost`) that it does not, for
  ///   it has a pattern, must be another machine's as well.
  /// - Throws: `permissionRefused` for what is no host name and for what leads to this machine, to a link-local address
  ///   or to a metadata service only; `systemFailure` when it has no address.
  public static func address(of host: String, isNamed: Bool = true) async throws(SandboxError) -> String {
    try await Blocking.run { () throws(SandboxError) -> String in
      let name = host.lowercased()
      guard EndpointResolver.isHostName(name) || name.contains(":") else {
        throw SandboxError(.permissionRefused, "\(host.debugDescription) is neither a host name nor an address")
      }
      var hints = addrinfo()
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      if name.contains(":") { hints.ai_flags = AI_NUMERICHOST }
      var found: UnsafeMutablePointer<addrinfo>?
      let result = getaddrinfo(name, nil, &hints, &found)
      guard result == 0, found != nil else {
        throw SandboxError(
          .systemFailure, "\(host) has no address: \(String(cString: gai_strerror(result)))",
          hint: "Check the name and the resolver of this host")
      }
      defer { freeaddrinfo(found) }
      // A number that is no address as one is written (127.1) is a name like any other.
      let saysWhere = HostAddress(literal: name) != nil || ResolvedEndpoint.meansHere(name)
      let own = isNamed && saysWhere ? nil : HostAddress.own()
      var next = found
      while let one = next?.pointee {
        next = one.ai_next
        guard let address = one.ai_addr else { continue }
        if let own, HostAddress(UnsafePointer(address))?.isOutside(own: own) != true { continue }
        return try text(address, one.ai_addrlen)
      }
      throw SandboxError(
        .permissionRefused, "\(host) leads to this machine itself, or where only an address that is granted may lead",
        hint: "Where that is meant, write the address in place of the name")
    }
  }

  private static func text(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) throws(SandboxError) -> String {
    var text = [CChar](repeating: 0, count: 128)
    let size = socklen_t(text.count)
    guard getnameinfo(address, length, &text, size, nil, 0, NI_NUMERICHOST) == 0 else {
      throw SandboxError(.systemFailure, "an address of it cannot be written")
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
