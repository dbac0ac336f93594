// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What the style guide says and a program can check.
@Suite("House style")
struct HouseStyleTests {
  private static let folders = ["Sources", "Tests", "Benchmarks"]

  @Test func noFileIsLongerThan800Lines() {
    for folder in Self.folders {
      for file in Checkout.files(under: folder, ending: ".swift") {
        let lines = Checkout.text(file).split(separator: "\n", omittingEmptySubsequences: false).count
        #expect(lines <= 801, "\(file) has \(lines) lines")
      }
    }
  }

  /// Code that runs as root in front of plugins: whoever adds to it says here that it is worth it (docs/modules.md).
  @Test func theLauncherStaysSmall() {
    let files = [".c", ".h"].flatMap { Checkout.files(under: "Sources/berth-launcher", ending: $0) }
    let lines = files.flatMap { Checkout.text($0).split(separator: "\n") }.filter { line in
      let code = line.drop { $0 == " " }
      return !code.isEmpty && !code.hasPrefix("//")
    }
    #expect(files.count > 10 && lines.count <= 2_200, "\(lines.count) lines of code in \(files.count) files")
  }

  @Test func everySourceFileCarriesItsLicence() {
    let marks = [
      "SPDX-FileCopyrightText: The Berth developers", "SPDX-License-Identifier: Apache-2.0",
    ]
    for folder in Self.folders + ["scripts", "sample-plugins"] {
      for ending in [".swift", ".c", ".h", ".py", ".sh"] {
        for file in Checkout.files(under: folder, ending: ending) {
          let head = Checkout.text(file).prefix(400)
          for mark in marks { #expect(head.contains(mark), "\(file)") }
        }
      }
    }
  }

  /// Calls that are banned everywhere in Sources, with the reason a reviewer would give.
  private static let banned: [(String, String)] = [
    ("try!", "say what is wrong instead of ending the process"),
    ("fork()", "the daemon is threaded: only the launcher starts processes"),
    ("Process()", "Foundation.Process misses exits"),
    ("JSONDecoder(", "one parser over any bytes: the JSON module"),
    ("JSONSerialization", "one parser over any bytes: the JSON module"),
    ("SIGCHLD", "a handler steals other code's exits: one pidfd per child"),
  ]

  @Test(arguments: banned.map(\.0))
  func bannedCallsAreNotMade(_ call: String) {
    for file in Checkout.files(under: "Sources", ending: ".swift") {
      for (number, line) in Checkout.text(file).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        #expect(!code.contains(call), "\(file):\(number + 1) \(line)")
      }
    }
  }

  @Test func nothingIsLeftForLater() {
    for folder in Self.folders {
      for file in Checkout.files(under: folder, ending: ".swift") {
        for mark in ["// " + "TODO", "// " + "FIXME", "// " + "XXX"] {
          #expect(!Checkout.text(file).contains(mark), "\(file)")
        }
      }
    }
  }

  @Test func uncheckedSendableAlwaysHasItsReason() {
    for file in Checkout.files(under: "Sources", ending: ".swift") {
      let lines = Checkout.text(file).split(separator: "\n", omittingEmptySubsequences: false)
      for (number, line) in lines.enumerated()
      where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
        let around = lines[max(0, number - 6)...number].contains { $0.contains("//") }
        #expect(around, "\(file):\(number + 1) needs a comment that says why it is safe")
      }
    }
  }
}
