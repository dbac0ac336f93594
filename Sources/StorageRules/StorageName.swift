// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Names of storages: a letter, then letters, digits, `-`, `_`, `.`, a letter or digit last; at least two characters.
public enum StorageName {
  /// The longest id taken, in characters. It becomes part of file names, cgroup names and lock names.
  public static let maximumLength = 100

  /// - Throws: `INVALID_NAME` with the reason.
  public static func check(_ text: String) throws(RulesError) {
    let bytes = text.utf8
    guard bytes.count >= 2 else {
      throw RulesError(.invalidName, "storage id \(quoted(text)) is too short: at least two characters are needed")
    }
    guard bytes.count <= maximumLength else {
      throw RulesError(
        .invalidName, "storage id \(quoted(text)) has \(bytes.count) bytes, at most \(maximumLength) are allowed")
    }
    guard let first = bytes.first, isAlphanumeric(first), !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
      let last = bytes.last, isAlphanumeric(last),
      bytes.allSatisfy({ isAlphanumeric($0) || "-_.".utf8.contains($0) })
    else {
      throw RulesError(
        .invalidName, "\(quoted(text)) is no storage id",
        hint: "an id begins with a letter, ends with a letter or digit, and holds letters, digits, '-', '_' and '.'")
    }
  }

  /// Whether a text may name a logical volume or volume group: letters, digits, `-`, `_`, `.`, a letter or digit first
  /// and last, at least two characters.
  public static func isLogicalVolumeName(_ text: String) -> Bool {
    let bytes = text.utf8
    guard bytes.count >= 2, let first = bytes.first, let last = bytes.last else { return false }
    return isAlphanumeric(first) && isAlphanumeric(last)
      && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
  }

  /// Whether a text is a storage id.
  public static func isValid(_ text: String) -> Bool {
    do throws(RulesError) {
      try check(text)
      return true
    } catch {
      return false
    }
  }
}
