// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Sizes as people read them.
enum SizeColumn {
  /// Bytes with one decimal and a binary suffix: `1.5 GiB`.
  static func text(_ bytes: Int64) -> String {
    guard abs(bytes) >= 1_024 else { return "\(bytes) B" }
    var value = Double(bytes)
    var suffix = 0
    let suffixes = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    // 1023.95 would be shown as 1024.0: it belongs to the next suffix.
    while abs(value) >= 1_023.95, suffix < suffixes.count - 1 {
      value /= 1_024
      suffix += 1
    }
    let tenths = Int64((value * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10)) \(suffixes[suffix])"
  }

  /// The same, `-` when unknown.
  static func text(_ bytes: Int64?) -> String { bytes.map { text($0) } ?? "-" }
}
