// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What no volume name may hold, whatever its grammar: the check before every parse.
public enum NameSafety {
  /// The longest name taken, in UTF-8 bytes: a file name's limit for each part, and room for four of them.
  public static let maximumBytes = 1023
  /// The longest part between slashes, in UTF-8 bytes (the limit of Linux filesystems for one file name).
  public static let maximumPartBytes = 255

  /// - Throws: `HOSTILE_NAME` with the reason.
  public static func check(_ text: String) throws(RulesError) {
    let count = text.utf8.count
    guard count > 0 else { throw RulesError(.invalidName, "the volume name is empty") }
    guard count <= maximumBytes else {
      throw RulesError(.hostileName, "the volume name has \(count) bytes, at most \(maximumBytes) are allowed")
    }
    let plain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
    for scalar in plain ? "".unicodeScalars : text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        throw RulesError(
          .hostileName,
          "volume name \(quoted(text)) holds the control character U+\(String(scalar.value, radix: 16, uppercase: true))"
        )
      default: break
      }
    }
    for part in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if part.isEmpty {
        throw RulesError(.hostileName, "volume name \(quoted(text)) has an empty part: a slash first, last or doubled")
      }
      if part.count > maximumPartBytes {
        throw RulesError(
          .hostileName,
          "a part of volume name \(quoted(text)) has \(part.count) bytes, at most \(maximumPartBytes) are allowed")
      }
      if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) {
        throw RulesError(.hostileName, "volume name \(quoted(text)) holds the path step \(quoted(Substring(part)))")
      }
    }
  }
}
