// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A pattern of names in a grant: `*` stands for any characters, `?` for one; alternatives are separated by commas.
struct Glob: Sendable, Hashable {
  private let alternatives: [[UInt8]]

  init(_ text: String) {
    alternatives = text.split(separator: ",").map { Array($0.utf8) }
  }

  func matches(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return alternatives.contains { Self.matches($0, bytes) }
  }

  /// Linear in the text for every star: no pattern makes it slow.
  private static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
    var (p, t) = (0, 0)
    var star: Int?
    var retry = 0
    while t < text.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = p
        retry = t
        p += 1
      } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t] {
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
    while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
    return p == pattern.count
  }
}
