// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Gives every granted endpoint its address inside the sandbox.
enum EndpointResolver {
  static func resolve(_ permission: NetworkPermission) throws(SandboxError) -> [ResolvedEndpoint] {
    guard case .endpoints(let endpoints) = permission else { return [] }
    var resolved: [ResolvedEndpoint] = []
    var names: [String] = []
    for endpoint in endpoints {
      guard let port = UInt16(endpoint.port), port > 0 else {
        throw SandboxError(.permissionRefused, "\(endpoint.port.debugDescription) is not a TCP port")
      }
      let host = endpoint.host.lowercased()
      let address: [UInt8]
      if let literal = HostAddress(literal: host) {
        address = literal.bytes
      } else {
        guard isHostName(host) else {
          throw SandboxError(
            .permissionRefused, "\(endpoint.host.debugDescription) is neither a host name nor an address")
        }
        if !names.contains(host) { names.append(host) }
        let number = (names.firstIndex(of: host) ?? 0) + 1
        address = [127, 66, UInt8(number >> 8), UInt8(number & 0xFF)]
      }
      resolved.append(ResolvedEndpoint(host: host, port: port, insideAddress: address))
    }
    return resolved
  }

  static func isHostName(_ name: String) -> Bool {
    guard !name.isEmpty, name.utf8.count <= 253 else { return false }
    return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.utf8.allSatisfy {
          (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x5F
        }
    }
  }
}
