// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import Conformance

@Suite("Reports")
struct ReportTests {
  private func report(_ verdicts: [(String, CheckResult.Verdict, Check.Severity)]) -> Report {
    var report = Report(bundle: "/b")
    report.plugin = "org.example.x"
    report.results = verdicts.map { (id, verdict, severity) in
      CheckResult(
        check: Check(id, "Title & more", clause: "Framing", level: .core, severity: severity) { (_) throws(CheckStop) in
        },
        verdict: verdict, message: verdict == .passed ? "" : "said <\"no\">\u{1b}[31m & left", time: .milliseconds(1500)
      )
    }
    return report
  }

  @Test("the exit status tells conformance, its absence and a checker that could not work apart")
  func exitStatus() {
    #expect(report([("a", .passed, .required), ("b", .skipped, .required)]).exitStatus == 0)
    #expect(report([("a", .passed, .required), ("b", .failed, .recommended)]).exitStatus == 0)
    #expect(report([("a", .passed, .required), ("b", .failed, .required)]).exitStatus == 1)
    #expect(report([("a", .passed, .required), ("b", .broken, .required)]).exitStatus == 2)
    #expect(report([("a", .skipped, .required)]).exitStatus == 2)
    #expect(report([]).exitStatus == 2)
  }

  @Test("a level counts only when none of its required checks failed and one passed")
  func levels() {
    #expect(report([("a", .passed, .required)]).levelsMet == [.core])
    #expect(report([("a", .skipped, .required)]).levelsMet == [])
    #expect(report([("a", .passed, .required), ("b", .broken, .required)]).levelsMet == [])
    var partial = report([("a", .passed, .required)])
    partial.partial = [.core]
    #expect(partial.levelsMet == [])
  }

  @Test("every format carries every check and escapes what a plugin said")
  func formats() throws {
    let report = report([("a.one", .passed, .required), ("b.two", .failed, .required), ("c", .skipped, .required)])
    let tap = report.rendered(.tap)
    #expect(tap.hasPrefix("TAP version 14\n1..3\nok 1 - a.one\nnot ok 2 - b.two\n"))
    #expect(tap.contains("ok 3 - c # SKIP said"))
    let junit = report.rendered(.junit)
    #expect(junit.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""))
    #expect(junit.contains("said &lt;&quot;no&quot;&gt; [31m &amp; left"))
    #expect(!junit.unicodeScalars.contains("\u{1b}"))
    let json = try JSON.parse(report.rendered(.json))
    #expect(json["checks"]?.arrayValue?.count == 3)
    #expect(json["failed"] == 1)
    let text = report.rendered(.text)
    #expect(text.contains("1 passed, 1 failed, 1 skipped, 0 not possible"))
    #expect(text.contains("\nskipped, said <\"no\"> [31m & left: c\n"))
  }
}
