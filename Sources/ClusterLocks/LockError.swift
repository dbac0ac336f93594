// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why a lock was not granted or is no longer held.
public struct LockError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong. Open: other lock services may add codes.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: String

    public init(rawValue: String) {
      self.rawValue = rawValue
    }

    /// The deadline passed while waiting.
    public static let timeout = Code(rawValue: "LOCK_TIMEOUT")
    /// The waiting task was cancelled.
    public static let cancelled = Code(rawValue: "CANCELLED")
    /// The lease is not held (any more): released, or taken back after its budget ran out.
    public static let lost = Code(rawValue: "LOCK_LOST")
    /// No fencing token can be made durable: the state directory is full or broken.
    public static let tokensUnavailable = Code(rawValue: "TOKENS_UNAVAILABLE")
    /// The state directory belongs to another running service.
    public static let inUse = Code(rawValue: "IN_USE")
    /// The file of tokens is damaged.
    public static let corrupt = Code(rawValue: "CORRUPT")
    /// The service was closed.
    public static let closed = Code(rawValue: "CLOSED")
  }

  public var code: Code
  /// What was wanted, why it failed, who is in the way.
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
