// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A number that every grant of any lock raises: whoever acts under a lock shows its token, and a smaller one than
/// seen before is refused by a backend that can fence.
///
/// Tokens are below 2^63, so that every JSON reader holds them exactly as integers.
public struct FencingToken: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  public var description: String { String(rawValue) }

  public static func < (left: FencingToken, right: FencingToken) -> Bool { left.rawValue < right.rawValue }
}
