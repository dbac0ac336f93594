// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

/// A program with its arguments as an administrator agreed to them: words separated by blanks, where a word may hold
/// places `{name:pattern}` that the plugin fills. `/usr/sbin/showmount --exports {server:*.example.org}`.
struct ExecTemplate: Sendable, Hashable {
  private enum Part: Sendable, Hashable {
    case text(String)
    case place(name: String, pattern: String)
  }

  private let words: [[Part]]

  /// nil when it is no template: not absolute, an open brace, a place without a pattern.
  init?(_ text: String) {
    guard text.hasPrefix("/") else { return nil }
    var words: [[Part]] = []
    for word in text.split(separator: " ") {
      var parts: [Part] = []
      var rest = word
      while let open = rest.firstIndex(of: "{") {
        guard let close = rest[open...].firstIndex(of: "}") else { return nil }
        let inner = rest[rest.index(after: open)..<close].split(separator: ":", maxSplits: 1)
        guard inner.count == 2 else { return nil }
        parts.append(.text(String(rest[..<open])))
        parts.append(.place(name: String(inner[0]), pattern: String(inner[1])))
        rest = rest[rest.index(after: close)...]
      }
      parts.append(.text(String(rest)))
      words.append(parts)
    }
    guard case .text(let program)? = words.first?.first, words[0].count == 1, PathPolicy.isCanonical(program) else {
      return nil
    }
    self.words = words
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
          guard isClean, Glob(pattern).matches(value), !(text.isEmpty && value.hasPrefix("-")) else {
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
