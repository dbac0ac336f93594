// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A name with gaps to be filled in: `golden-{name}`.
public struct NameTemplate: Sendable, Hashable, CustomStringConvertible {
  private enum Part: Sendable, Hashable {
    case text(String)
    case gap(String)
  }

  /// The template as it was written.
  public let description: String
  private let parts: [Part]

  /// Reads a template; nil when a brace has no partner or encloses nothing.
  public init?(_ source: String) {
    description = source
    var parts: [Part] = []
    var rest = source[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else { return nil }
      let gap = rest[rest.index(after: open)..<close]
      guard !gap.isEmpty, !gap.contains("{") else { return nil }
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      parts.append(.gap(String(gap)))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    guard !parts.isEmpty else { return nil }
    self.parts = parts
  }

  /// The names of its gaps.
  public var gaps: Set<String> {
    Set(parts.compactMap { part in if case .gap(let name) = part { name } else { nil } })
  }

  /// The name; nil when a value is missing.
  public func filled(_ values: [String: String]) -> String? {
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .gap(let name):
        guard let value = values[name] else { return nil }
        text += value
      }
    }
    return text
  }
}
