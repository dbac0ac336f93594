// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What hints tell people to type is understood by the command line.
@Suite("Commands in hints", .timeLimit(.minutes(5)))
struct CommandHintTests {
  private struct Hint: Hashable {
    var command: String
    /// Named in quotes, as a pointer to the command: its arguments may be missing.
    var isPointer: Bool
  }

  /// The commands in one line of source: those that end a sentence or stand alone, and those in quotes.
  private static func hints(in line: String) throws -> [Hint] {
    // An interpolation stands for one word; two levels of brackets are as deep as they go.
    let inner = #"(?:[^()]|\((?:[^()]|\([^()]*\))*\))*"#
    let line = try replacing(#"\\\(\#(inner)\)"#, in: line, by: "1")
    var hints: [Hint] = []
    for literal in try matches(#""((?:[^"\\]|\\.)*)""#, in: line) {
      for command in try matches(#"(?:^|: )berth ([a-z][^,;()`']*)"#, in: literal) {
        let words = command.split(separator: " ").map { $0.trimmingCharacters(in: [".", ":"]) }.filter { !$0.isEmpty }
        hints.append(Hint(command: words.joined(separator: " "), isPointer: false))
      }
      for command in try matches(#"[`']berth ([a-z][^`']*)[`']"#, in: literal) {
        hints.append(Hint(command: command, isPointer: true))
      }
    }
    return hints
  }

  private static func matches(_ pattern: String, in text: String) throws -> [String] {
    let range = NSRange(text.startIndex..., in: text)
    return try NSRegularExpression(pattern: pattern).matches(in: text, range: range).compactMap { match in
      Range(match.range(at: 1), in: text).map { String(text[$0]) }
    }
  }

  private static func replacing(_ pattern: String, in text: String, by new: String) throws -> String {
    try NSRegularExpression(pattern: pattern).stringByReplacingMatches(
      in: text, range: NSRange(text.startIndex..., in: text), withTemplate: new)
  }

  @Test func eachIsACommandLine() async throws {
    var found: [Hint: String] = [:]
    let sources = Program.checkout + "/Sources"
    let files = try #require(FileManager.default.enumerator(atPath: sources))
    for case let path as String in files where path.hasSuffix(".swift") {
      let text = try String(contentsOfFile: sources + "/" + path, encoding: .utf8)
      for line in text.split(separator: "\n") where !line.trimmingCharacters(in: .whitespaces).hasPrefix("//") {
        for hint in try Self.hints(in: String(line)) { found[hint] = path }
      }
    }
    #expect(found.count > 50, "positive control: hints are found")
    for (hint, path) in found {
      let words = hint.command.split(separator: " ").map(String.init) + (hint.isPointer ? ["--help"] : [])
      let run = await Program.run(
        Program.products + "/berth", words, environment: ["BERTH_SOCKET": "/nonexistent/berth.sock"], input: [])
      // Whatever else is wrong, such as a daemon that is not there: the words are understood.
      #expect(hint.isPointer ? run.status == 0 : run.status != 2, "\(path): berth \(hint.command): \(run.errors)")
    }
  }
}
