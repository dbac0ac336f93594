// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Testing

@testable import PluginSandbox

/// `Tests/Hostile/coverage.md` is made from the corpora themselves; BERTH_REGENERATE=1 writes it anew.
@Suite struct CoverageTests {
  /// Attempts by threat number, from the three sources.
  static func corpora() throws -> [(title: String, byThreat: [Int: [String]])] {
    let c = try text("attempts.c").split(separator: "\n").compactMap { line -> (String, Int)? in
      let words = line.split { " ,()".contains($0) }
      guard words.count > 2, words[0] == "A" || words[0] == "X", words[2].hasPrefix("\"T") else { return nil }
      return Int(words[2].dropFirst(2).dropLast()).map { (String(words[1]), $0) }
    }
    let lines = try text("plugins/attempts.py").split(separator: "\n")
    let python = zip(lines, lines.dropFirst()).compactMap { first, second -> (String, Int)? in
      guard first.hasPrefix("@attempt(\"T"), let end = second.firstIndex(of: "(") else { return nil }
      let number = first.dropFirst("@attempt(\"T".count).prefix { $0.isNumber }
      return Int(number).map { (String(second[..<end].dropFirst("def ".count)), $0) }
    }
    let list = try JSON.parse(text("plugins/threats.json")).arrayValue ?? []
    let wire = list.compactMap { entry -> (String, Int)? in
      guard let script = entry["script"]?.stringValue, let threat = entry["threat"]?.stringValue else { return nil }
      return Int(threat.dropFirst()).map { (script, $0) }
    }
    return [("C", c), ("Python", python), ("protocol", wire)].map { title, pairs in
      (title, Dictionary(grouping: pairs, by: \.1).mapValues { $0.map(\.0) })
    }
  }

  /// The attempts that need not succeed outside everywhere: name, where they must, and what a machine lacks where not.
  static func excused() throws -> [(name: String, control: String, why: String)] {
    try text("attempts.c").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      guard line.hasPrefix("  X("), parts.count > 3 else { return nil }
      let flags = parts[2].split { " ,|".contains($0) }
      let control = flags.contains("STOCK") ? "guest" : flags.contains("NOWHERE") ? "nowhere" : "?"
      return (String(parts[0].dropFirst(4).prefix { $0 != "," }), control, String(parts[3]))
    }
  }

  @Test func everyThreatIsAttemptedAndTheTableSaysBy() throws {
    let corpora = try Self.corpora()
    var table = """
      # What attempts which threat

      Made from the corpora by `CoverageTests` (`BERTH_REGENERATE=1 scripts/test CoverageTests`). The threats are those of
      `SECURITY.md`. *C* and *Python* run in the sandbox as programs, *protocol* by what a plugin says to its host; each
      has a positive control outside in the same test run, except where the second table says why not.

      | threat | C | Python | protocol | attempts |
      |---|---|---|---|---|

      """
    for threat in 1...32 {
      let names = corpora.map { $0.byThreat[threat] ?? [] }
      #expect(names.contains { !$0.isEmpty }, "nothing attempts T\(threat)")
      table += "| T\(threat) | " + names.map { String($0.count) }.joined(separator: " | ")
      table += " | " + names.joined().joined(separator: ", ") + " |\n"
    }
    let sums = corpora.map { $0.byThreat.values.reduce(0) { $0 + $1.count } }
    table += "| all | " + sums.map(String.init).joined(separator: " | ") + " | \(sums.reduce(0, +)) in all |\n"
    let excused = try Self.excused()
    #expect(sums[0] - excused.count >= 130)
    #expect(excused.allSatisfy { $0.control != "?" && $0.why.count > 10 })
    #expect(
      excused.count { $0.control == "nowhere" } <= 2, "attempts that no kernel at hand shows: find another way in")
    table += """

      ## Controls that not every machine has

      Attempts that need not succeed outside on every machine. Those of the *guest* must on the stock kernel that runs there.

      | attempt | must succeed outside | where it need not |
      |---|---|---|

      """
    for attempt in excused { table += "| \(attempt.name) | \(attempt.control) | \(attempt.why) |\n" }
    let path = HostilePlugin.sources + "/coverage.md"
    if getenv("BERTH_REGENERATE") != nil {
      let file = try #require(fopen(path, "w"))
      fputs(table, file)
      fclose(file)
    }
    #expect(try Self.text("coverage.md") == table, "run BERTH_REGENERATE=1 scripts/test CoverageTests")
  }

  static func text(_ name: String) throws -> String {
    let path = "\(HostilePlugin.sources)/\(name)"
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    try #require(fd >= 0, "\(path)")
    defer { close(fd) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while case let count = read(fd, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
