// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How option values spell truth and numbers.
public enum PropertyValue {
  /// `1`, `on`, `yes`, `true` and `0`, `off`, `no`, `false`, in any case; `nil` for anything else.
  public static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "1", "on", "yes", "true": true
    case "0", "off", "no", "false": false
    default: nil
    }
  }

  /// A decimal integer with an optional sign; `nil` for anything else and for what 64 bits cannot hold.
  public static func integer(_ text: String) -> Int64? {
    let isSigned = text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+")
    let digits = text.utf8.dropFirst(isSigned ? 1 : 0)
    guard !digits.isEmpty, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
    return Int64(text)
  }
}
