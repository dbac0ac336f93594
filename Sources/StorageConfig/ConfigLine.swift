// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// One line of the configuration file: its bytes, its end included, and what it means.
struct ConfigLine: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    /// Nothing, or a lone `0`: ends a section.
    case empty
    /// Only blanks: does not end a section.
    case blanks
    case comment
    /// `type: id`, not indented. Whether the id is one is checked later.
    case header(type: String, id: String)
    /// An indented key with or without a value.
    case property(key: String, value: String?)
    /// Anything else.
    case junk
  }

  /// As in the file, with the line feed where there is one.
  let bytes: [UInt8]
  let kind: Kind
  /// Whether the bytes are valid UTF-8.
  let isText: Bool

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let content = Self.content(bytes)
    isText = String(validating: content, as: UTF8.self) != nil
    kind = Self.kind(content)
  }

  /// The end of the line: line feed, with a carriage return before it or not; empty at the end of a file without one.
  var ending: [UInt8] { Array(bytes[Self.content(bytes).endIndex...]) }

  private static func content(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    guard bytes.last == 0x0a else { return bytes[...] }
    return bytes.dropLast(bytes.dropLast().last == 0x0d ? 2 : 1)
  }

  private static func kind(_ line: ArraySlice<UInt8>) -> Kind {
    if line.isEmpty || line.elementsEqual("0".utf8) { return .empty }
    guard let start = line.firstIndex(where: { !isBlank($0) }), let last = line.lastIndex(where: { !isBlank($0) })
    else { return .blanks }
    if line[start] == UInt8(ascii: "#") { return .comment }
    let words = line[start...last]
    return start == line.startIndex ? header(words) ?? .junk : property(words)
  }

  private static func property(_ words: ArraySlice<UInt8>) -> Kind {
    guard let keyEnd = words.firstIndex(where: isBlank),
      let valueStart = words[keyEnd...].firstIndex(where: { !isBlank($0) })
    else { return .property(key: text(words), value: nil) }
    return .property(key: text(words[..<keyEnd]), value: text(words[valueStart...]))
  }

  private static func header(_ words: ArraySlice<UInt8>) -> Kind? {
    let colon = UInt8(ascii: ":")
    if let typeEnd = words.firstIndex(where: isBlank) {
      guard let idStart = words[typeEnd...].firstIndex(where: { !isBlank($0) }), words[typeEnd - 1] == colon,
        typeEnd - 1 > words.startIndex, !words[idStart...].contains(where: isBlank)
      else { return nil }
      return .header(type: text(words[..<(typeEnd - 1)]).lowercased(), id: text(words[idStart...]))
    }
    guard let split = words.dropLast().lastIndex(of: colon), split > words.startIndex else { return nil }
    return .header(type: text(words[..<split]).lowercased(), id: text(words[(split + 1)...]))
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
