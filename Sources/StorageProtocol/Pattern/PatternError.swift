// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why a regular expression is not accepted.
public struct PatternError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong.
  public var message: String
  /// Where, in characters from the start.
  public var offset: Int

  public var description: String { "\(message) at character \(offset + 1)" }
}
