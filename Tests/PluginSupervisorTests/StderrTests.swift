// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import TestSupport
import Testing

@testable import PluginSupervisor

@Suite struct StderrTests {
  @Test func linesComeOutWhateverTheChunks() {
    var generator = SeededGenerator(seed: 7)
    let text = Array("first\nsecond line\r\n\nlast without end".utf8)
    for _ in 0..<50 {
      var splitter = LineSplitter(limit: 100)
      var lines: [String] = []
      var rest = text[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(Int.random(in: 1...7, using: &generator)))
        rest = rest.dropFirst(piece.count)
        piece.withUnsafeBytes { splitter.feed($0) { lines.append($0) } }
      }
      splitter.finish { lines.append($0) }
      #expect(lines == ["first", "second line", "", "last without end"])
    }
  }

  @Test func aLineWithoutEndIsBounded() {
    var splitter = LineSplitter(limit: 16)
    var lines: [String] = []
    let flood = [UInt8](repeating: 0x61, count: 1_000_000)
    flood.withUnsafeBytes { splitter.feed($0) { lines.append($0) } }
    splitter.finish { lines.append($0) }
    #expect(lines == [String(repeating: "a", count: 16) + " … (999984 more bytes)"])
  }

  @Test(arguments: [
    ("\u{1b}[2Jcleared", "\\u{1b}[2Jcleared"), ("a\u{0}b", "a\\u{0}b"), ("x\u{202e}y", "x\\u{202e}y"),
    ("tab\tstays, ümläut too", "tab\tstays, ümläut too"), ("\u{2028}", "\\u{2028}"),
  ])
  func controlCharactersBecomeVisible(raw: String, shown: String) {
    #expect(escaped(raw.utf8) == shown)
  }

  @Test func invalidUTF8IsShownAsSuch() {
    #expect(escaped([0x61, 0xff, 0x62]) == "a\u{fffd}b")
  }

  @Test func aFloodIsSuppressedAndCounted() {
    let start = ContinuousClock.now
    var budget = LineBudget(perSecond: 10, burst: 5, now: start)
    for _ in 0..<5 { #expect(budget.admit(now: start) == .pass) }
    for _ in 0..<100 { #expect(budget.admit(now: start) == .suppress) }
    #expect(budget.admit(now: start + .milliseconds(150)) == .passAfter(suppressed: 100))
    #expect(budget.admit(now: start + .milliseconds(160)) == .suppress)
    #expect(budget.settle() == 1)
  }

  @Test func theLastLinesAreKeptAndTheLogNamesTheSuppressed() {
    let log = CapturedLog()
    // No line more however long it takes here.
    let stderr = PluginStderr(logger: log.logger, budget: LineBudget(perSecond: 0, burst: 3))
    let text = (1...1000).map { "line \($0)\n" }.joined()
    Array(text.utf8).withUnsafeBytes { stderr.feed($0) }
    stderr.finish()
    #expect(stderr.lastLines.count == PluginStderr.keptLines)
    #expect(stderr.lastLines.last == "line 1000")
    #expect(log.lines.prefix(3) == ["line 1", "line 2", "line 3"])
    #expect(log.lines.last == "suppressed 997 lines of plugin output")
  }
}
