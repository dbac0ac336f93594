// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The names of the daemon's sockets in its run directory.
public enum SocketName {
  /// The management API.
  public static let management = "berth.sock"
  /// Where clients lend descriptors.
  public static let descriptors = "streams.sock"

  /// The descriptor socket of the daemon with this management socket.
  public static func descriptors(beside socket: String) -> String {
    guard let slash = socket.utf8.lastIndex(of: UInt8(ascii: "/")) else { return descriptors }
    return String(socket[...slash]) + descriptors
  }
}
