// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What a text on the wire may be: its length in characters (Unicode scalars) and its pattern.
struct TextRule: Sendable {
  let length: ClosedRange<Int>
  let pattern: Pattern?

  init(length: ClosedRange<Int>) {
    self.init(length: length, pattern: nil)
  }

  init(length: ClosedRange<Int>, pattern: StaticString) {
    self.init(length: length, pattern: Pattern(constant: pattern))
  }

  init(length: ClosedRange<Int>, pattern: Pattern?) {
    self.length = length
    self.pattern = pattern
  }

  static func length(_ range: ClosedRange<Int>) -> TextRule { TextRule(length: range) }

  /// Why the text is refused ("must match …"), or nil when it is fine.
  func fault(in text: String) -> String? {
    // Bytes bound characters from above and, divided by four, from below: most texts need no counting.
    let bytes = text.utf8.count
    if bytes > length.upperBound || bytes < length.lowerBound * 4 {
      let count = bytes > 4 * length.upperBound ? bytes : text.unicodeScalars.count
      if count > length.upperBound { return "must be at most \(length.upperBound) characters long" }
      if count < length.lowerBound {
        return count == 0 ? "must not be empty" : "must be at least \(length.lowerBound) characters long"
      }
    }
    if let pattern, !pattern.matches(text) { return "must match \(pattern.source)" }
    return nil
  }
}
