// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why bytes between a plugin and a caller did not all arrive.
public struct StreamFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// A stable name for one kind of failure.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The FIFO could not be made or opened.
    public static let setup = Code(rawValue: "setup")
    /// Byte count or digest differ from what the plugin reported, or the plugin's end went away.
    public static let broken = Code(rawValue: "broken")
    /// No byte moved for longer than the limit allows.
    public static let stalled = Code(rawValue: "stalled")
    /// The caller's own end (file, socket, consumer, producer) failed.
    public static let callerEnd = Code(rawValue: "caller-end")
    /// There is no room where the caller writes.
    public static let callerFull = Code(rawValue: "caller-full")
    /// Whoever reads what is moved went away.
    public static let gone = Code(rawValue: "gone")
    /// The operation was cancelled or its call failed.
    public static let cancelled = Code(rawValue: "cancelled")
  }

  public var code: Code
  /// One sentence for people.
  public var message: String
  /// Bytes that had moved by then.
  public var bytes: Int64
  /// Bytes the plugin reported, once it had.
  public var expected: Int64?

  public init(_ code: Code, _ message: String, bytes: Int64 = 0, expected: Int64? = nil) {
    self.code = code
    self.message = message
    self.bytes = bytes
    self.expected = expected
  }

  public var description: String {
    var text = "\(message) (\(bytes) bytes moved"
    if let expected { text += ", \(expected) reported by the plugin" }
    return text + ")"
  }
}
