// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims

/// Nanoseconds since some moment in the past, never going back.
enum MonotonicTime {
  /// Later than any time that will ever be.
  static let never = Int64.max

  static var now: Int64 { berth_monotonic_ns() }
}

extension Duration {
  /// Whole nanoseconds, held inside a range (±146 years) that can be added to any monotonic time.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let limit = Int64.max / 2
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow, product.magnitude < limit.magnitude else { return seconds < 0 ? -limit : limit }
    return product + attoseconds / 1_000_000_000
  }
}
