// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension Duration {
  /// Whole milliseconds, never negative.
  var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return max(0, seconds.multipliedReportingOverflow(by: 1000).partialValue + attoseconds / 1_000_000_000_000_000)
  }

  /// For messages: `10 s`, `350 ms`.
  var rounded: String {
    let milliseconds = wholeMilliseconds
    return milliseconds >= 1000 && (milliseconds % 1000 == 0 || milliseconds > 10_000)
      ? "\((milliseconds + 500) / 1000) s" : "\(milliseconds) ms"
  }
}
