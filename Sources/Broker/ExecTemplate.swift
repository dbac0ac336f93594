// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

/// A program with its arguments as an administrator agreed to them: words separated by blanks, where a word may hold
/// places `{name:pattern}` that the plugin fills. `/usr/sbin/showmount --exports {server:*.example.org}`. What follows a
/// backslash stands for itself: so do values of the configuration.
struct ExecTemplate: Sendable, Hashable {
  private enum Part: Sendable, Hashable {
    case text(String)
    case place(name: String, pattern: String)
  }

  private let words: [[Part]]

  /// nil when it is no template: not absolute, an open brace, a place without a pattern, an option that a value of the
  /// configuration would make.
  init?(_ text: String) {
    guard text.hasPrefix("/") else { return nil }
    var words: [[Part]] = []
    for word in Self.split(text[...], at: " ", limit: .max) where !word.isEmpty {
      guard let parts = Self.parts(word), !word.utf8.starts(with: "\\-".utf8) else { return nil }
      words.append(parts)
    }
    guard case .text(let program)? = words.first?.first, words[0].count == 1, PathPolicy.isCanonical(program) else {
      return nil
    }
    self.words = words
  }

  private static func parts(_ word: Substring) -> [Part]? {
    var parts: [Part] = []
    var rest = word
    while true {
      let before = split(rest, at: "{", limit: 1)
      parts.append(.text(plain(before[0])))
      guard before.count == 2 else { return parts }
      let inside = split(before[1], at: "}", limit: 1)
      let place = split(inside[0], at: ":", limit: 1)
      guard inside.count == 2, place.count == 2, !place[0].isEmpty, !place[1].isEmpty else { return nil }
      parts.append(.place(name: plain(place[0]), pattern: String(place[1])))
      rest = inside[1]
      if rest.isEmpty { return parts }
    }
  }

  /// The parts between separators that no backslash precedes. By scalars: an accent may follow a blank.
  private static func split(_ text: Substring, at separator: Unicode.Scalar, limit: Int) -> [Substring] {
    let scalars = text.unicodeScalars
    var result: [Substring] = []
    var (start, place) = (scalars.startIndex, scalars.startIndex)
    while place < scalars.endIndex {
      let next = scalars.index(after: place)
      if scalars[place] == separator, result.count < limit {
        result.append(text[start..<place])
        start = next
      }
      place = scalars[place] == "\\" && next < scalars.endIndex ? scalars.index(after: next) : next
    }
    return result + [text[start...]]
  }

  /// Without the backslashes that make what follows them plain.
  private static func plain(_ text: Substring) -> String {
    var result = ""
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if scalar == "\\", !isEscaped {
        isEscaped = true
      } else {
        result.unicodeScalars.append(scalar)
        isEscaped = false
      }
    }
    return result
  }

  /// The words with the values in them; each value stays within its word.
  func filled(_ values: [String: String]) throws(StorageError) -> [String] {
    var used: Set<String> = []
    var result: [String] = []
    for word in words {
      var text = ""
      for part in word {
        switch part {
        case .text(let fixed): text += fixed
        case .place(let name, let pattern):
          guard let value = values[name] else { throw .invalid("the template needs a value for '\(name)'") }
          let isClean = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
          guard isClean, Glob(pattern).matches(value), !(text.isEmpty && value.utf8.first == UInt8(ascii: "-")) else {
            throw .denied("\(ForeignText.quoted(value)) is not allowed for '\(name)'")
          }
          used.insert(name)
          text += value
        }
      }
      result.append(text)
    }
    if let extra = values.keys.first(where: { !used.contains($0) }) {
      throw .invalid("the template has no place \(ForeignText.quoted(extra))")
    }
    return result
  }
}
