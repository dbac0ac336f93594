// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestSupport
import Testing

/// `berth plugin learn` as a vendor runs it: a real plugin in a real sandbox, no daemon.
@Suite(.serialized, .requires(.root), .timeLimit(.minutes(5))) struct LearnCommandTests {
  private let directory = TemporaryDirectory(prefix: "berth-learn-test")
  private let berth = Program.products + "/berth"
  /// Not below /tmp: every sandbox has one of its own, so nothing there is asked for.
  private let keys = "/var/tmp/berth-learn-test-\(getpid())"

  /// The sample `minimal`, which also reads a file and connects to its storage's server: its manifest says neither.
  private func makeBundle() async throws -> String {
    let source = directory.file("curious")
    let minimal = Program.checkout + "/sample-plugins"
    chmod(directory.path, 0o755)
    mkdir(source, 0o755)
    var program = String(decoding: readFile("\(minimal)/minimal/minimal.py"), as: UTF8.self)
    program.replace(
      "def status(call):",
      with: """
        def status(call):
            import socket
            try:
                open("\(keys)/token").close()
                socket.create_connection((call.table("scfg")["server"], 47001), timeout=1).close()
            except OSError:
                pass
        """)
    var manifest = String(decoding: readFile("\(minimal)/minimal/manifest.json"), as: UTF8.self)
    manifest.replace(#""properties": {"#, with: #""properties": {"server": {"type": "string"},"#, maxReplacements: 1)
    manifest.replace(#""permissions": {"#, with: #""permissions": {"runtime": {"jit": true, "threads": false}, "#)
    directory.write("curious/minimal.py", Array(program.utf8))
    directory.write("curious/manifest.json", Array(manifest.utf8))
    directory.write("curious/berth_plugin.py", readFile("\(minimal)/lib/berth_plugin.py"))
    _ = try await Program.tool("python3", Program.checkout + "/scripts/bundle", source, directory.file("bundles"))
    return directory.file("bundles/curious")
  }

  private func withKeys(_ body: () async throws -> Void) async throws {
    try #require(mkdir(keys, 0o755) == 0)
    defer {
      unlink("\(keys)/token")
      rmdir(keys)
    }
    writeFile("\(keys)/token", [])
    chmod("\(keys)/token", 0o644)
    try await body()
  }

  @Test func whatAPluginWantsIsProposedAsADifferenceOfItsManifest() async throws {
    let bundle = try await makeBundle()
    try await withKeys {
      let run = await Program.run(berth, ["plugin", "learn", bundle, "--storage-config", "server=127.0.0.9"])
      #expect(run.status == 0, "\(run.errors)")
      let lines = run.text.split(separator: "\n").map(String.init)
      #expect(lines.first?.hasPrefix("org.berth.sample.minimal 1.0.0 as 'minimal', ") == true, "\(run.text)")
      #expect(lines.contains("+ fs ro \(keys)"), "\(run.text)")
      #expect(lines.contains("+ net tcp ${config.server}:47001"), "\(run.text)")
      #expect(lines.contains("- runtime jit"), "\(run.text)")
      let proposal = try #require(run.text.firstRange(of: "\n\"permissions\": "))
      let json = try JSON.parse(Array(run.text[proposal.upperBound...].utf8))
      #expect(json["net"]?["endpoints"]?.arrayValue?.count == 1)
      #expect(run.errors.contains("round 1: ") && run.errors.contains("nothing new"), "\(run.errors)")
    }
  }

  @Test func programsGetJSONAndTheOptionsHold() async throws {
    let bundle = try await makeBundle()
    let work = directory.file("work")
    try #require(mkdir(work, 0o711) == 0)
    try await withKeys {
      let options = [
        "--json", "--type", "minimal", "--exercise", "--work-dir", work, "--storage-config", "server=127.0.0.9",
      ]
      let run = await Program.run(berth, ["plugin", "learn", bundle, "--rounds", "1"] + options)
      #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
      let report = try JSON.parse(run.output)
      #expect(report["rounds"] == 1 && report["type"] == "minimal")
      let added = (report["add"]?.arrayValue ?? []).compactMap { $0["permission"]?.stringValue }
      // One round sees what comes first; what comes after it is found when that has been granted.
      #expect(added.contains("fs ro \(keys)") && !added.contains("net tcp ${config.server}:47001"), "\(added)")
      #expect(report["unused"]?.arrayValue?.contains("runtime jit") == true)
      #expect(report["proposal"]?["fs"]?.arrayValue?.count == 2)

      let other = await Program.run(berth, ["plugin", "learn", bundle, "--type", "none"] + options.suffix(2))
      #expect(other.status == 1)
      #expect(other.errors.contains("none"), "\(other.errors)")
    }
  }

  @Test func whatCannotBeRunIsToldWithAStatus() async throws {
    let missing = await Program.run(berth, ["plugin", "learn", directory.file("nothing")])
    #expect(missing.status == 1 && missing.output.isEmpty)
    #expect(missing.errors.hasPrefix("error: ") && missing.errors.contains("next: "), "\(missing.errors)")
    let asJSON = await Program.run(berth, ["plugin", "learn", directory.file("nothing"), "--json"])
    #expect(asJSON.status == 1 && asJSON.output.isEmpty)
    #expect((try? JSON.parse(Array(asJSON.errors.utf8))) != nil, "\(asJSON.errors)")
    let rounds = await Program.run(berth, ["plugin", "learn", directory.file("nothing"), "--rounds", "0"])
    #expect(rounds.status == 2 && rounds.errors.contains("--rounds takes 1 to 100"), "\(rounds.errors)")
  }
}
