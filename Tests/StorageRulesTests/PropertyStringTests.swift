// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import TestSupport
import Testing

@Suite struct PropertyStringTests {
  @Test func `pairs keep their order and spelling`() throws {
    let properties = try PropertyString(parsing: "keep-last=3,keep-daily=7, ,x=a=b")
    #expect(properties.pairs.map(\.key) == ["keep-last", "keep-daily", "x"])
    #expect(properties["x"] == "a=b")
    #expect(properties["y"] == nil)
    #expect(properties.description == "keep-last=3,keep-daily=7,x=a=b")
  }

  @Test func `a value without a key belongs to the default key`() throws {
    let properties = try PropertyString(parsing: "raw,size=3G", defaultKey: "format")
    #expect(properties.description == "format=raw,size=3G")
  }

  @Test(arguments: ["raw", "=x", "a=", "a=1,a=2", "a=1\nb=2", "a=\0"])
  func `what is no property string is refused`(text: String) {
    #expect(throws: RulesError.self) { try PropertyString(parsing: text) }
  }

  @Test(arguments: [
    ("a,b;c d", ["a", "b", "c", "d"]), ("", []), (" , ;", []), ("a\0b c\0", ["a", "b c"]),
    ("a\tb\nc", ["a", "b", "c"]),
    ("a\0\0b", ["a", "", "b"]),
  ])
  func `lists are separated as in the configuration file`(text: String, parts: [String]) {
    #expect(ListText.split(text) == parts)
  }

  @Test func `no input crashes, and what is read renders to what reads the same`() throws {
    let seed = Fuzz.firstSeed
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let pieces = ["a", "b", "=", ",", " ", "\0", "\n", "ü", "\u{301}", "keep-last", "1", "-1"]
      let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }.joined()
      if let properties = try? PropertyString(parsing: text) {
        #expect(
          try PropertyString(parsing: properties.description) == properties, "seed \(seed), \(text.debugDescription)")
      }
      _ = try? Retention(parsing: text)
      _ = try? ContentType.parseList(text)
      _ = ListText.split(text)
    }
  }
}
