// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageProtocol
import TestSupport
import Testing

@Suite struct PatternTests {
  struct Vector: Sendable {
    let pattern: String
    let yes: [String]
    let no: [String]
  }

  static let vectors = [
    Vector(pattern: "^[a-z]+$", yes: ["a", "abc"], no: ["", "A", "ab1", "a\n"]),
    Vector(pattern: "b", yes: ["b", "abc", "\nb"], no: ["", "a"]),
    Vector(pattern: "^a", yes: ["a", "ab\n"], no: ["ba"]),
    Vector(pattern: "a$", yes: ["a", "ba"], no: ["ab", "a\n"]),
    Vector(pattern: "^(ab|cd)*$", yes: ["", "ab", "abcd"], no: ["a", "abc"]),
    Vector(pattern: "^a|b$", yes: ["ax", "xb"], no: ["xa", "bx"]),
    Vector(pattern: "^\\d{2,4}$", yes: ["12", "123", "1234"], no: ["1", "12345", "١٢"]),
    Vector(pattern: "^x{0}$", yes: [""], no: ["x"]),
    Vector(pattern: "^(a{1,2}){2}$", yes: ["aa", "aaa", "aaaa"], no: ["a", "aaaaa"]),
    Vector(pattern: "^[^/\\s]+$", yes: ["ü-x"], no: ["a b", "a/b", ""]),
    Vector(pattern: "^[\\w.-]+@[\\w-]+(?:\\.[\\w-]+)+$", yes: ["a.b@c.de"], no: ["a@b", "@c.de"]),
    Vector(pattern: "^.$", yes: ["💾", "ä"], no: ["\n", "ab"]),
    Vector(pattern: "^[\\u00e0-\\u00ff]+$", yes: ["äöü"], no: ["a"]),
    Vector(pattern: "^[]a]$", yes: [], no: ["]", "a"]),
    Vector(pattern: "^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$", yes: ["00:1b:44:11:3a:b7"], no: ["00:1b:44:11:3a", "0"]),
    Vector(pattern: "^a{70}$", yes: [String(repeating: "a", count: 70)], no: [String(repeating: "a", count: 69)]),
  ]

  @Test(arguments: vectors) func matches(_ vector: Vector) throws {
    let pattern = try Pattern(vector.pattern)
    for text in vector.yes { #expect(pattern.matches(text), "\(vector.pattern) on \(text)") }
    for text in vector.no { #expect(!pattern.matches(text), "\(vector.pattern) on \(text)") }
  }

  @Test(arguments: [
    "(", ")", "a)", "[a", "*", "a**", "a+?", "a{2", "a{3,2}", "a{1001}", "(?=a)", "(?<n>a)", "\\1", "\\", "a^b", "(a$)",
    "[b-a]", "\\p{L}", "\\u12", "(((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))",
    "(a{1000}){1000}",
  ])
  func refusesWhatItCannotDo(_ text: String) {
    #expect(throws: PatternError.self) { try Pattern(text) }
  }

  /// Expressions that take back-tracking matchers exponential time.
  @Test(.timeLimit(.minutes(1))) func noExpressionIsSlow() throws {
    let text = String(repeating: "a", count: 20_000) + "!"
    for pattern in ["^(a+)+$", "^(a|a)*$", "^(a*)*b$", "^(a?){50}a{50}$", "(x+x+)+y"] {
      #expect(try !Pattern(pattern).matches(text))
    }
  }

  @Test func anythingIsAPatternOrRefused() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let alphabet = Array("ab0-^$[](){}|*+?.,\\dwsu1 ä".unicodeScalars)
    for _ in 0..<5000 {
      var text = ""
      for _ in 0..<Int.random(in: 0...14, using: &generator) {
        text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
      }
      guard let pattern = try? Pattern(text) else { continue }
      for sample in ["", "a", "ab", "b0-", "ää"] { _ = pattern.matches(sample) }
    }
  }
}
