// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Times as people read them.
enum TimeColumn {
  /// Seconds since the epoch as local time: `2026-01-31 12:34:56`; `-` when unknown.
  static func text(_ seconds: Int64?) -> String {
    guard let seconds else { return "-" }
    var time = time_t(seconds)
    var parts = tm()
    guard localtime_r(&time, &parts) != nil else { return "\(seconds)" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }

  /// A span in milliseconds: `350 ms`, `12 s`, `3 min 5 s`, `2 h 1 min`.
  static func span(_ milliseconds: Int64?) -> String {
    guard let milliseconds else { return "-" }
    if milliseconds < 1_000 { return "\(milliseconds) ms" }
    let seconds = milliseconds / 1_000
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3_600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
  }
}
