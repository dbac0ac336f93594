// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Lists as option values hold them: `images,iso`, `a;b`, `a b`.
public enum ListText {
  /// The elements of a list: separated by commas, semicolons and blanks, or, when the text holds any NUL, by NULs only.
  public static func split(_ text: String) -> [String] {
    let bytes = text.utf8
    if bytes.contains(0) {
      var parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
      while parts.last?.isEmpty == true { parts.removeLast() }
      return parts.map { String(Substring($0)) }
    }
    return bytes.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";") || isBlank($0) }.map {
      String(Substring($0))
    }
  }

  /// Space and the five ASCII controls that count as blanks.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}
