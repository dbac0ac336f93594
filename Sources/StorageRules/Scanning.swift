// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A guest's number, as the head of a text.
///
/// Numbers have at most nine digits, as everywhere in the guest world; more digits are refused by the callers.
func leadingNumber(_ text: Substring) -> (number: Int, rest: Substring)? {
  var number = 0
  var count = 0
  for byte in text.utf8 {
    guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
    count += 1
    guard count <= 9 else { return nil }
    number = number * 10 + Int(byte - UInt8(ascii: "0"))
  }
  guard count > 0 else { return nil }
  return (number, text[text.utf8.index(text.startIndex, offsetBy: count)...])
}

/// A text that is a guest's number and nothing else.
func wholeNumber(_ text: Substring) -> Int? {
  guard let (number, rest) = leadingNumber(text), rest.isEmpty else { return nil }
  return number
}

/// Whether a text holds no blank of any kind (Unicode's White_Space).
func hasNoBlank(_ text: some StringProtocol) -> Bool {
  if text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) { return true }
  return !text.unicodeScalars.contains { $0.properties.isWhitespace }
}

/// The parts of a name between slashes, byte by byte: a slash followed by a combining mark is a slash all the same.
func slashParts(_ text: String) -> [Substring] {
  text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Substring.init)
}

extension Substring {
  /// What follows a prefix, or `nil`.
  func after(_ prefix: String) -> Substring? {
    utf8.starts(with: prefix.utf8) ? self[utf8.index(startIndex, offsetBy: prefix.utf8.count)...] : nil
  }

  /// What precedes a suffix, or `nil`. ASCII suffixes only.
  func before(_ suffix: String) -> Substring? {
    utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
      ? self[..<utf8.index(endIndex, offsetBy: -suffix.utf8.count)] : nil
  }
}
