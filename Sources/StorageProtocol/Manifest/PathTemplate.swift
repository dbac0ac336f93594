// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A text with properties of the storage's configuration in it: `${config.path}/images`.
public struct PathTemplate: Sendable, Hashable, CustomStringConvertible {
  enum Part: Sendable, Hashable {
    case text(String)
    case property(String)
  }

  let parts: [Part]

  /// Reads a template; nil when a `${` is not closed or names anything but `config.<property>`.
  public init?(_ text: String) {
    var parts: [Part] = []
    var rest = Substring(text)
    while let start = Self.opening(in: rest) {
      if start > rest.startIndex { parts.append(.text(String(rest[..<start]))) }
      rest = rest[rest.index(start, offsetBy: 2)...]
      guard let end = rest.firstIndex(of: "}"), rest.hasPrefix("config.") else { return nil }
      let name = String(rest[..<end].dropFirst("config.".count))
      guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else { return nil }
      parts.append(.property(name))
      rest = rest[rest.index(after: end)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
  }

  private static func opening(in text: Substring) -> Substring.Index? {
    var place = text.startIndex
    while let dollar = text[place...].firstIndex(of: "$") {
      let next = text.index(after: dollar)
      if next < text.endIndex, text[next] == "{" { return dollar }
      place = next
    }
    return nil
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// Configuration properties it needs.
  public var properties: [String] {
    parts.compactMap { if case .property(let name) = $0 { name } else { nil } }
  }

  /// Properties that stand alone, as a whole text or a whole alternative between commas: only there can a list stand.
  public var standalone: [String] {
    parts.indices.compactMap { index in
      guard case .property(let name) = parts[index] else { return nil }
      if index > parts.startIndex {
        guard case .text(let before) = parts[index - 1], before.hasSuffix(","), !before.hasSuffix("\\,") else {
          return nil
        }
      }
      if index + 1 < parts.endIndex {
        guard case .text(let after) = parts[index + 1], after.hasPrefix(",") else { return nil }
      }
      return name
    }
  }

  /// The text with the configuration's values in it; nil when one is missing or has no place in a text.
  ///
  /// - Parameters:
  ///   - lists: whether a list may be among them, its values with commas between; an empty one is like a missing one.
  ///   - form: how a value is written, where the text is more than a text, such as a pattern.
  public func resolved(
    _ config: JSONObject, lists: Bool = false, as form: (String) -> String = { $0 }
  ) -> String? {
    var result = ""
    for part in parts {
      switch part {
      case .text(let text): result += text
      case .property(let name):
        if lists, case .array(let values)? = config[name] {
          let texts = values.compactMap { Self.text($0).map(form) }
          guard !texts.isEmpty, texts.count == values.count, !texts.contains("") else { return nil }
          result += texts.joined(separator: ",")
        } else if let value = config[name], let text = Self.text(value) {
          result += form(text)
        } else {
          return nil
        }
      }
    }
    return result
  }

  private static func text(_ value: JSON) -> String? {
    switch value {
    case .string(let value): value
    case .int(let value): String(value)
    default: nil
    }
  }

  public var description: String {
    parts.map {
      if case .property(let name) = $0 { "${config.\(name)}" } else if case .text(let text) = $0 { text } else { "" }
    }
    .joined()
  }
}
