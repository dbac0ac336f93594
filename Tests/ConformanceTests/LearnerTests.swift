// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import PluginSupervisor
import TestSupport
import Testing

@testable import Conformance

/// Learning mode over a whole plugin: what it proposes is what the plugin then runs with.
@Suite("Learner", .serialized, .timeLimit(.minutes(10)), .enabled(if: geteuid() == 0, "learning needs root here"))
struct LearnerTests {
  @Test("a plugin that asks for nothing gets a manifest that works")
  func learnsAndSettles() async throws {
    try await withTemporaryDirectory { directory in
      chmod(directory, 0o711)
      // Not below /tmp: every sandbox has one of its own, so nothing there is asked for.
      let keys = "/var/tmp/berth-learner-\(getpid())"
      defer {
        unlink(keys + "/token")
        rmdir(keys)
      }
      let work = directory + "/work"
      for path in [keys, work] { try #require(mkdir(path, 0o755) == 0) }
      let token = open(keys + "/token", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      close(token)
      // Does more than its manifest says, wherever its status is asked for.
      let extra = """
        def status(call):
            import socket
            try:
                open("\(keys)/token").close()
            except OSError:
                pass
            for target in [(call.table("scfg").get("server"), 47001), ("array.example", 47002)]:
                try:
                    socket.create_connection(target, timeout=1).close()
                except OSError:
                    pass
        """
      let wishes: JSON = [
        "fs": [["path": "/srv", "access": "ro", "reason": "nothing"]], "runtime": ["jit": true, "threads": false],
      ]
      func bundle(_ permissions: JSON, in place: String) throws -> String {
        mkdir(place, 0o755)
        return try Samples.bundle(
          "minimal", in: place, change: { $0.replacing("def status(call):", with: extra) }
        ) { manifest in
          guard case .object(var object) = manifest else { return manifest }
          object["permissions"] = permissions
          // The storage types, each with the property `server`.
          let types: [JSON] = (object["storageTypes"]?.arrayValue ?? []).map { type in
            guard case .object(var one) = type, case .object(var schema) = one["configSchema"],
              case .object(var properties) = schema["properties"]
            else { return type }
            properties["server"] = ["type": "string"]
            schema["properties"] = .object(properties)
            one["configSchema"] = .object(schema)
            return .object(one)
          }
          object["storageTypes"] = .array(types)
          return .object(object)
        }
      }
      func learn(_ bundle: String) async throws -> LearningReport {
        var learner = Learner(
          bundle: bundle, workDirectory: work, launcher: Samples.launcher, mode: .privileged,
          scope: "learner-test-\(getpid())")
        learner.target.options = [("server", "127.0.0.9")]
        learner.target.volumeSize = 2 << 20
        return try await learner.run()
      }
      let first = try await learn(try bundle(wishes, in: directory + "/one"))
      let wanted = [
        "fs ro \(keys)", "fs rw ${config.path}", "net tcp ${config.server}:47001", "net tcp array.example:47002",
        "runtime threads",
      ]
      #expect(first.added.map(\.line) == wanted, "\(first.text)")
      #expect(first.unused == ["fs ro /srv", "runtime jit"], "\(first.text)")
      #expect(first.added.allSatisfy { !$0.evidence.isEmpty })
      #expect(first.rounds > 1 && first.unreadable == 0)
      #expect(first.json()["proposal"]?["net"]?["endpoints"]?.arrayValue?.count == 2)

      // The proposal is a manifest: with it nothing is missing any more.
      let second = try await learn(try bundle(.object(first.proposal), in: directory + "/two"))
      #expect(second.added.isEmpty, "\(second.text)")
      #expect(second.rounds == 1 && second.failed.isEmpty, "\(second.text)")
    }
  }

  @Test("every method is tried on request, and a true manifest stays as it is")
  func exercises() async throws {
    try await withTemporaryDirectory { directory in
      chmod(directory, 0o711)
      let work = directory + "/work"
      try #require(mkdir(work, 0o711) == 0)
      var learner = Learner(
        bundle: try Samples.bundle("minimal", in: directory), workDirectory: work, launcher: Samples.launcher,
        mode: .privileged, scope: "learner-test-\(getpid())")
      learner.target.volumeSize = 2 << 20
      learner.exercise = true
      let report = try await learner.run()
      #expect(report.added.isEmpty && report.unused.isEmpty && report.onlyRead.isEmpty, "\(report.text)")
      #expect(report.rounds == 1)
    }
  }

  @Test("what cannot be run is said")
  func failures() async {
    await withTemporaryDirectory { directory in
      let learner = Learner(
        bundle: directory + "/none", workDirectory: directory, launcher: Samples.launcher, mode: .privileged,
        scope: "learner-test-\(getpid())")
      let error = await #expect(throws: Learner.Failure.self) { _ = try await learner.run() }
      #expect(error?.description.contains("bundle") == true)
    }
  }
}
