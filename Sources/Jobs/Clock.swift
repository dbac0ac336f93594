// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The clocks: one for people and records, one that measures.
public enum Clock {
  /// Milliseconds since the epoch.
  public static let milliseconds: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }

  /// Milliseconds since the first question, of the clock that nobody sets.
  public static let steady: @Sendable () -> Int64 = { Int64(first.duration(to: .now) / .milliseconds(1)) }
  private static let first = ContinuousClock.now
}
