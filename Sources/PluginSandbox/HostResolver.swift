// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// Looks up names on behalf of the kernel's network file systems and block devices, which take addresses only.
public enum HostResolver {
  /// The first address of a host, in text; an address stays what it is.
  ///
  /// - Throws: `permissionRefused` for what is no host name, `systemFailure` when it has no address.
  public static func address(of host: String) async throws(SandboxError) -> String {
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
      guard result == 0, let first = found else {
        throw SandboxError(
          .systemFailure, "\(host) has no address: \(String(cString: gai_strerror(result)))",
          hint: "Check the name and the resolver of this host")
      }
      defer { freeaddrinfo(found) }
      var text = [CChar](repeating: 0, count: 128)
      let size = socklen_t(text.count)
      guard getnameinfo(first.pointee.ai_addr, first.pointee.ai_addrlen, &text, size, nil, 0, NI_NUMERICHOST) == 0
      else {
        throw SandboxError(.systemFailure, "the address of \(host) cannot be written")
      }
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
