// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A granted endpoint with the address it gets inside the plugin's network namespace.
struct ResolvedEndpoint: Sendable, Hashable {
  /// The granted name or address, as the plugin will use it.
  var host: String
  var port: UInt16
  /// Where the listener sits inside: the address itself when the grant names one, else one of 127.66.0.0/16.
  var insideAddress: [UInt8]

  /// The line of `/etc/hosts` that leads the name to the listener; nil for a literal address.
  var hostsLine: String? {
    guard insideAddress.count == 4, insideAddress.prefix(2) == [127, 66] else { return nil }
    return insideAddress.map(String.init).joined(separator: ".") + " " + host
  }
}
