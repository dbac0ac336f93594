// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Text from a plugin or another stranger, made fit for logs and messages: bounded, control characters escaped.
public enum ForeignText {
  /// The text on one line, cut to `limit` characters.
  public static func bounded(_ text: some StringProtocol, limit: Int = 1024) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      if count == limit { return result + "…" }
      count += 1
      result += isHidden(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return result
  }

  /// The text in single quotes, cut to `limit` characters.
  public static func quoted(_ text: some StringProtocol, limit: Int = 120) -> String {
    "'\(bounded(text, limit: limit))'"
  }

  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
    default: false
    }
  }
}
