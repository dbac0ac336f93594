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

  /// Whether an address that the name resolved to may be connected to: another machine's, or what the grant itself says,
  /// an address or `localhost`.
  func mayLead(to address: UnsafePointer<sockaddr>) -> Bool {
    guard isName, !Self.meansHere(host) else { return true }
    return HostAddress(address)?.isOutside(own: HostAddress.own()) ?? false
  }

  /// Whether a name says itself that it is this machine.
  static func meansHere(_ name: String) -> Bool { name == "localhost" || name.hasSuffix(".localhost") }
}
