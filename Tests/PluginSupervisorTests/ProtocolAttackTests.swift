// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import PluginSupervisor

/// One script of Tests/Hostile/plugins and what it does to whom, from `threats.json`.
struct ProtocolAttack: Sendable, CustomTestStringConvertible {
  var script: String
  var threat: String
  /// What it does to `naive_host.py`: the positive control.
  var naive: String
  /// The error that Berth's caller gets, or `ok`.
  var host: String
  var testDescription: String { "\(threat) \(script)" }

  static let all: [ProtocolAttack] = {
    let list = (try? JSON.parse(readFile("\(Stage.scripts)/threats.json")))?.arrayValue ?? []
    return list.compactMap { entry in
      guard let script = entry["script"]?.stringValue, let threat = entry["threat"]?.stringValue,
        let naive = entry["naive"]?.stringValue, let host = entry["host"]?.stringValue
      else { return nil }
      return ProtocolAttack(script: script, threat: threat, naive: naive, host: host)
    }
  }()
}

/// Attacks by what a plugin says or does not say, under the real sandbox; each is first seen to work on a naive host.
@Suite(.serialized, .requires(.root), .timeLimit(.minutes(10))) struct ProtocolAttackTests {
  @Test func theListIsRead() {
    #expect(ProtocolAttack.all.count >= 29)
    #expect(Set(ProtocolAttack.all.map(\.threat)).isSuperset(of: (22...26).map { "T\($0)" }))
  }

  @Test(arguments: ProtocolAttack.all) func anAttackThatWorksOnANaiveHostIsStopped(
    _ attack: ProtocolAttack
  ) async throws {
    let stage = try Stage()
    let path = try stage.write(attack.script)
    let done = await Self.output(["/usr/bin/python3", "\(Stage.scripts)/naive_host.py", "\(path)/\(attack.script).py"])
    let seen = done.split { $0 == " " || $0 == "\n" }
    // More than one word: whichever comes first.
    #expect(attack.naive.split(separator: " ").contains { seen.contains($0) }, "INCONCLUSIVE: \(done)")

    let memory = Self.peakMemory()
    let instance = try stage.instance(of: try PluginBundle.read(path)) { $0.killDeadline = .seconds(10) }
    let other = try stage.instance("honest")
    try await other.start()
    _ = try? await instance.start()
    let outcome: String
    do throws(StorageError) {
      let result = try await instance.call(
        QueryStatus.self, QueryStatus.Params(storeid: "local", scfg: [:]),
        options: CallOptions(timeout: .seconds(attack.host == "ok" ? 120 : 2)))
      #expect(result.total == 1000, "ESCAPED: the host took the answer \(result)")
      outcome = "ok"
    } catch {
      outcome = error.code.symbol
    }
    #expect(outcome == attack.host)
    // Another plugin is none the worse, and neither is the host.
    #expect(try await other.call("list_images", Stage.scfg)["total"] == 1000)
    #expect(Self.peakMemory() - memory <= 256 << 20, "the host's memory")
    try await other.close(reason: "done")
    for line in stage.log.lines {
      let forges = line.unicodeScalars.contains { $0.value < 32 && $0 != "\t" || [0x85, 0x2028].contains($0.value) }
      #expect(!forges, "\(line.debugDescription)")
    }
    try await stage.finish(instance)
  }

  /// The corpus in Python, run by a plugin in a call, against the same attempts unconfined.
  @Test func everyAttemptOfThePythonPluginIsBlockedInsideAndSucceedsOutside() async throws {
    let stage = try Stage()
    let program = "\(Stage.scripts)/attempts.py"
    let place = "\(stage.directory)/host"
    mkdir(place, 0o755)
    let victim = ChildProcess("/usr/bin/python3", program, "victim", place)
    let line = await Self.line(victim.output)
    let targets = try JSON.parse(line)

    setenv("SECRET_TOKEN", "CANARY-PY", 1)
    let leaked = open("/", O_RDONLY | O_DIRECTORY)
    defer { close(leaked) }
    let control = await Self.output(
      ["/bin/sh", "-c", "exec /usr/bin/python3 '\(program)' outside 7</ 8<'\(place)/targets' < '\(place)/targets'"],
      prepare: { writeFile("\(place)/targets", Array(line.utf8)) })
    let outside = Self.verdicts(try JSON.parse(control))
    let instance = try stage.instance("attempts")
    let answer = try await instance.call(
      "list_images", ["storeid": "local", "scfg": ["targets": targets]], options: CallOptions(timeout: .seconds(120)))
    let inside = Self.verdicts(answer)
    #expect(inside.count >= 45)
    #expect(inside.map(\.name) == outside.map(\.name))
    #expect(inside.filter { $0.verdict != "BLOCKED" }.map(\.text) == [])
    #expect(outside.filter { $0.verdict != "ESCAPED" }.map(\.text) == [])
    // Nothing that was planted has come out in an answer or a log line.
    #expect(!"\(answer)".contains("CANARY"))
    #expect(!stage.log.lines.contains { $0.contains("CANARY") })
    unsetenv("SECRET_TOKEN")
    close(victim.input)
    try await stage.finish(instance)
  }

  // MARK: Parts

  /// What a program prints until it ends.
  private static func output(_ arguments: [String], prepare: () -> Void = {}) async -> String {
    prepare()
    let child = ChildProcess(arguments)
    close(child.input)
    return await OwnThread.run {
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65536)
      while case let count = read(child.output, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
      close(child.output)
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The first line.
  private static func line(_ descriptor: Int32) async -> String {
    await OwnThread.run {
      var bytes: [UInt8] = []
      var byte: UInt8 = 0
      while read(descriptor, &byte, 1) == 1, byte != 10 { bytes.append(byte) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The most this process has had resident, in bytes.
  private static func peakMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss << 10
  }

  private struct Verdict {
    var name, verdict, text: String
  }

  private static func verdicts(_ list: JSON) -> [Verdict] {
    (list.arrayValue ?? []).map { entry in
      let name = entry["name"]?.stringValue ?? "?"
      let verdict = entry["verdict"]?.stringValue ?? "INCONCLUSIVE"
      return Verdict(
        name: name, verdict: verdict,
        text: "\(entry["threat"]?.stringValue ?? "?") \(name): \(verdict) \(entry["detail"]?.stringValue ?? "")")
    }
  }
}
