// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A pattern of names in a grant: `*` stands for any characters, `?` for one; alternatives are separated by commas, and
/// what follows a backslash stands for itself.
struct Glob: Sendable, Hashable {
  private enum Part: Sendable, Hashable { case byte(UInt8), one, any }

  private let alternatives: [[Part]]

  init(_ text: String) {
    var alternatives: [[Part]] = [[]]
    var bytes = text.utf8.makeIterator()
    while let byte = bytes.next() {
      var part = Part.byte(byte)
      switch byte {
      case UInt8(ascii: "*"): part = .any
      case UInt8(ascii: "?"): part = .one
      case UInt8(ascii: "\\"): part = .byte(bytes.next() ?? byte)
      case UInt8(ascii: ","):
        alternatives.append([])
        continue
      default: break
      }
      alternatives[alternatives.count - 1].append(part)
    }
    self.alternatives = alternatives.filter { !$0.isEmpty }
  }

  func matches(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return alternatives.contains { Self.matches($0, bytes) }
  }

  /// Whether an alternative that matches the text spells out its beginning: no `*` or `?` stands for a part of that.
  func spellsOut(_ beginning: String, of text: String) -> Bool {
    let (start, bytes) = (beginning.utf8.map { Part.byte($0) }, Array(text.utf8))
    return alternatives.contains { $0.starts(with: start) && Self.matches($0, bytes) }
  }

  /// Linear in the text for every star: no pattern makes it slow.
  private static func matches(_ pattern: [Part], _ text: [UInt8]) -> Bool {
    var (p, t) = (0, 0)
    var star: Int?
    var retry = 0
    while t < text.count {
      if p < pattern.count, pattern[p] == .any {
        star = p
        retry = t
        p += 1
      } else if p < pattern.count, pattern[p] == .one || pattern[p] == .byte(text[t]) {
        p += 1
        t += 1
      } else if let star {
        p = star + 1
        retry += 1
        t = retry
      } else {
        return false
      }
    }
    while p < pattern.count, pattern[p] == .any { p += 1 }
    return p == pattern.count
  }
}
