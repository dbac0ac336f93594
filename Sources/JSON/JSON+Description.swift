// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Printing is bounded, and ``JSON/redacted(_:)`` takes out what must not be printed.
extension JSON: CustomStringConvertible, CustomDebugStringConvertible {
  /// Bytes of text a description shows at most.
  static let descriptionLimit = 512

  /// Compact JSON text, cut after 512 bytes with a note of the whole length.
  public var description: String {
    let text = bytes()
    guard text.count > Self.descriptionLimit else { return String(decoding: text, as: UTF8.self) }
    // A cut inside a character would print a replacement mark: step back to the start of one.
    var end = Self.descriptionLimit
    while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
    return String(decoding: text[..<end], as: UTF8.self) + "… (\(text.count) bytes)"
  }

  public var debugDescription: String { "JSON(\(description))" }

  /// What stands in place of a value that must not be shown.
  public static let redactionMark = "‹redacted›"

  /// The same value with the members of these names, at any depth, replaced by ``redactionMark``.
  public func redacted(_ names: Set<String>) -> JSON { redacted { names.contains($0) } }

  /// The same value with every member the rule picks by name, at any depth, replaced by ``redactionMark``.
  public func redacted(where isSecret: (String) -> Bool) -> JSON {
    switch self {
    case .array(let elements): return .array(elements.map { $0.redacted(where: isSecret) })
    case .object(var members):
      for member in members {
        members[member.key] =
          isSecret(member.key) ? .string(Self.redactionMark) : member.value.redacted(where: isSecret)
      }
      return .object(members)
    default: return self
    }
  }
}

extension JSONObject: CustomStringConvertible {
  public var description: String { JSON.object(self).description }
}
