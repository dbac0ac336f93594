// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The wall clock, as the journal counts it.
public enum Clock {
  /// Milliseconds since the epoch.
  public static let milliseconds: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }
}
