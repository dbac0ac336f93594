// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why the daemon's socket cannot be used.
public struct SocketError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What sort of fault it is.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Another daemon listens there.
    public static let inUse = Code(rawValue: "in-use")
    /// The path cannot hold a socket.
    public static let path = Code(rawValue: "path")
  }

  public var code: Code
  /// What is wrong.
  public var message: String
  /// The socket's path.
  public var path: String
  /// What to do next.
  public var hint: String

  init(_ code: Code, _ message: String, path: String, hint: String) {
    self.code = code
    self.message = message
    self.path = path
    self.hint = hint
  }

  public var description: String { "\(path): \(message); \(hint)" }
}
