// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How stream data moves.
/// Open: a later version or a plugin may add values.
public struct StreamTransport: RawRepresentable, JSONCodable, Sendable, Hashable {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// A FIFO in the operation's directory.
  public static let fifo = StreamTransport(rawValue: "fifo")
  /// A file descriptor passed over the socket at descriptor 3.
  public static let fd = StreamTransport(rawValue: "fd")
}
