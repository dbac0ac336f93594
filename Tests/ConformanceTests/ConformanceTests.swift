// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

@testable import Conformance

/// The suite on plugins that keep the protocol, and on plugins that break it in one place each.
@Suite("Conformance", .serialized, .timeLimit(.minutes(20)))
struct ConformanceTests {
  @Test("the samples conform", arguments: ["minimal", "directory"])
  func samples(_ name: String) async throws {
    try await withTemporaryDirectory { directory in
      let report = try await Samples.check(try Samples.bundle(name, in: directory), in: directory)
      let bad = report.results.filter { $0.verdict == .failed || $0.verdict == .broken }
      #expect(bad.map { "\($0.check.id): \($0.message)" } == [])
      #expect(report.exitStatus == 0)
      #expect(report.levelsMet.contains(.core) && report.levelsMet.contains(.robust))
    }
  }

  @Test("the directory sample conforms with snapshots as files of their own")
  func snapshotChains() async throws {
    try await withTemporaryDirectory { directory in
      let bundle = try Samples.bundle("directory", in: directory)
      let report = try await Samples.check(
        bundle, only: ["snapshot.", "method.volume_snapshot", "method.rename_snapshot"],
        options: [("snapshot-as-volume-chain", "true")], in: directory)
      let bad = report.results.filter { $0.verdict == .failed || $0.verdict == .broken }
      #expect(bad.map { "\($0.check.id): \($0.message)" } == [])
      #expect(report.results.contains { $0.check.id == "snapshot.rename" && $0.verdict == .passed })
    }
  }

  @Test("the Swift kit keeps to the wire's rules")
  func kit() async throws {
    try await withTemporaryDirectory { directory in
      let report = try await Samples.check(
        try Samples.kit(in: directory),
        only: ["manifest.", "sandbox.", "handshake.", "lifecycle.", "framing.", "limits."], in: directory)
      let bad = report.results.filter { $0.verdict == .failed || $0.verdict == .broken }
      #expect(bad.map { "\($0.check.id): \($0.message)" } == [])
      #expect(report.results.filter { $0.verdict == .passed }.count >= 25)
    }
  }

  /// A plugin that is wrong in one place, and the check that must say so.
  struct Mutant: Sendable, CustomTestStringConvertible {
    var name: String
    var sample = "minimal"
    var from: String
    var to: String
    var caughtBy: String
    var testDescription: String { name }
  }

  static let mutants: [Mutant] = [
    Mutant(
      name: "prints to standard output", from: "def status(call):",
      to: "def status(call):\n    os.write(plugin.output, b'hello\\n')", caughtBy: "framing.clean-output"),
    Mutant(
      name: "forgets a volume in its list", from: "\"volumes\": [", to: "\"volumes\": [][:0] and [",
      caughtBy: "images.life.raw"),
    Mutant(
      name: "ignores the page limit", from: "names[:limit]]}", to: "names]}", caughtBy: "images.pages"),
    Mutant(
      name: "ignores the owner filter", from: "owner in (None, int(name.split(\"/\")[0]))", to: "True",
      caughtBy: "images.filters"),
    Mutant(
      name: "frees nothing", from: "        os.unlink(file(call)[1])\n", to: "        file(call)\n",
      caughtBy: "images.life.raw"),
    Mutant(
      name: "fails to free what is absent", from: "        pass  # already gone: what was asked for",
      to: "        raise PluginError(\"VOLUME_NOT_FOUND\", \"no\") from None",
      caughtBy: "method.free_image.absent-volume"),
    Mutant(
      name: "takes names with ..", from: "    if not NAME.fullmatch(name):", to: "    if \"raw\" not in name:",
      caughtBy: "method.alloc_image.hostile-names"),
    Mutant(
      name: "makes volumes too small", from: "os.ftruncate(fd, size)", to: "os.ftruncate(fd, size // 2)",
      caughtBy: "images.life.raw"),
    Mutant(
      name: "replaces existing volumes", from: "        os.link(temp, path)",
      to: "        os.rename(temp, path); os.close(os.open(temp, os.O_CREAT))",
      caughtBy: "images.life.raw"),
    Mutant(
      name: "takes reals for sizes", from: "size = call.integer(\"size\", minimum=1, maximum=1 << 62)",
      to: "size = int(call.params.get(\"size\") or 0)", caughtBy: "limits.reals"),
    Mutant(
      name: "leaves half a volume when killed", from: "    temp = os.path.join(os.path.dirname(path), \".new\")",
      to: "    open(path, \"wb\").close(); __import__(\"time\").sleep(0.1); os.unlink(path)\n"
        + "    temp = os.path.join(os.path.dirname(path), \".new\")", caughtBy: "robust.kill-alloc"),
    Mutant(
      name: "forgets idempotency keys", from: "if not key or os.getxattr", to: "if True or os.getxattr",
      caughtBy: "robust.replay"),
    Mutant(
      name: "claims what it did not do", from: "        raise PluginError(\"VOLUME_NOT_FOUND\"",
      to: "        raise PluginError(\"NO_SUCH_SYMBOL\"", caughtBy: "method.volume_size_info.absent-volume"),
    Mutant(
      name: "answers errors the method may not", from: "raise PluginError(\"FORMAT_UNSUPPORTED\"",
      to: "raise PluginError(\"SNAPSHOT_EXISTS\"", caughtBy: "images.formats"),
    Mutant(
      name: "reports negative space", from: "\"available\": fs.f_bavail", to: "\"available\": -1 * fs.f_bavail",
      caughtBy: "images.status"),
    Mutant(
      name: "says another version than its manifest", from: "\nplugin.run()",
      to: "\nplugin.manifest = dict(plugin.manifest, version=\"9.9.9\")\nplugin.run()", caughtBy: "handshake.facts"),
    Mutant(
      name: "lives on after the end of input", from: "\nplugin.run()",
      to: "\nimport time\nos._exit = lambda status: time.sleep(60)\nplugin.run()", caughtBy: "lifecycle.end-of-input"),
    Mutant(
      name: "serves before initialize", from: "\nplugin.run()", to: "\nplugin.initialized = True\nplugin.run()",
      caughtBy: "handshake.first"),
    Mutant(
      name: "answers twice", from: "def status(call):",
      to: "def status(call):\n    plugin.send({\"jsonrpc\": \"2.0\", \"id\": call.id, \"result\": {}})",
      caughtBy: "framing.one-answer"),
    Mutant(
      name: "dies of a deep message", from: "\nplugin.run()",
      to:
        "\nplugin._message = (lambda line, real=plugin._message: os._exit(9) if line[:9] == b\"[[[[[[[[[\" else real(line))"
        + "\nplugin.run()", caughtBy: "framing.deep"),
    Mutant(
      name: "takes the first of two names", from: "\nplugin.run()",
      to: "\nimport berth_plugin, json\nberth_plugin.parse_json = json.loads\nplugin.run()",
      caughtBy: "framing.duplicate-names"),
    Mutant(
      name: "forgets fencing tokens", from: "\nplugin.run()", to: "\nplugin._fence = lambda call: None\nplugin.run()",
      caughtBy: "method.alloc_image.stale-token"),
    Mutant(
      name: "reads integers as doubles", from: "\nplugin.run()",
      to: "\nimport berth_plugin\nberth_plugin._int64 = lambda text: int(float(text))\n"
        + "_real = berth_plugin.json.loads\n"
        + "berth_plugin.json.loads = lambda text, **more: _real(text, **{**more, \"parse_int\": lambda t: int(float(t))})\n"
        + "plugin.run()", caughtBy: "limits.integers"),
    Mutant(
      name: "counts its stream wrongly", sample: "directory", from: "if __name__ == \"__main__\":",
      to: "import berth_files\n_result = berth_files.Stream.result\n"
        + "berth_files.Stream.result = lambda self: {**_result(self), \"bytes\": self.bytes - 8}\n"
        + "if __name__ == \"__main__\":", caughtBy: "stream.round-trip.raw"),
    Mutant(
      name: "gives a wrong digest", sample: "directory", from: "if __name__ == \"__main__\":",
      to: "import berth_files\nberth_files.Digest.update = lambda self, data: None\nif __name__ == \"__main__\":",
      caughtBy: "stream.round-trip.raw"),
    Mutant(
      name: "keeps what a broken stream brought", sample: "directory", from: "if __name__ == \"__main__\":",
      to: "import transfer\ndef _lax(stream, count, read=transfer.Stream.read_exactly):\n"
        + "    try:\n        return read(stream, count)\n    except PluginError:\n        return bytes(count)\n"
        + "transfer.Stream.read_exactly = _lax\n"
        + "transfer.Stream.broken = lambda self, message, **data: EOFError(message)\nif __name__ == \"__main__\":",
      caughtBy: "stream.truncated"),
    Mutant(
      name: "never looks for cancels", sample: "directory", from: "if __name__ == \"__main__\":",
      to: "import berth_plugin\nberth_plugin.Call.check = lambda self: None\nif __name__ == \"__main__\":",
      caughtBy: "stream.cancel-import"),
    Mutant(
      name: "lies about what a cancel left", sample: "directory", from: "if __name__ == \"__main__\":",
      to: "_body = PluginError.body\nPluginError.body = lambda self, outcome: _body(self, \"completed\")\n"
        + "if __name__ == \"__main__\":", caughtBy: "stream.cancel-import"),
    Mutant(
      name: "takes one snapshot name twice", sample: "directory",
      from: "    if wanted in snapshot_names(call, file):\n",
      to: "    if False:\n", caughtBy: "snapshot.life"),
  ]

  @Test("a wrong plugin is caught", arguments: mutants)
  func mutant(_ mutant: Mutant) async throws {
    try await withTemporaryDirectory { directory in
      let bundle = try Samples.bundle(mutant.sample, in: directory) { text in
        #expect(text.contains(mutant.from), "the mutation does not apply")
        return text.replacing(mutant.from, with: mutant.to)
      }
      var only = [mutant.caughtBy]
      // The clean-output verdict is about what other checks saw.
      if mutant.caughtBy == "framing.clean-output" { only.append("framing.unknown-members") }
      let report = try await Samples.check(bundle, only: only, in: directory)
      let caught = report.results.contains { $0.check.id == mutant.caughtBy && $0.verdict == .failed }
      #expect(caught, "\(report.rendered(.text))")
      #expect(report.exitStatus == 1)
    }
  }

  @Test(
    "a plugin that never answers, ends at once or cannot be executed is told so once; the rest is not tried",
    arguments: [
      ("import", "import time; time.sleep(1000)\nimport", "handshake.facts"),
      ("import", "raise SystemExit(3)\nimport", "handshake.facts"),
      ("#!/usr/bin/", "#!/opt/nowhere/", "sandbox.starts"),
    ])
  func hopeless(_ from: String, _ to: String, _ check: String) async throws {
    try await withTemporaryDirectory { directory in
      let bundle = try Samples.bundle("minimal", in: directory) { text in
        text.replacing(from, with: to, maxReplacements: 1)
      }
      let report = try await Samples.check(bundle, patience: .seconds(3), in: directory)
      let tried = report.results.filter { $0.verdict == .failed || $0.verdict == .broken }
      #expect(tried.map(\.check.id) == [check])
      #expect(report.count(.skipped) > 40 && report.count(.passed) <= 2)
      #expect(report.results.last?.message == "not tried, because of \(check)")
      #expect(report.levelsMet == [] && report.exitStatus != 0)
    }
  }

  @Test("a level of which checks were left out does not count as met")
  func partial() async throws {
    try await withTemporaryDirectory { directory in
      let report = try await Samples.check(
        try Samples.bundle("minimal", in: directory), only: ["handshake."], in: directory)
      #expect(report.exitStatus == 0 && report.count(.passed) > 2)
      #expect(report.levelsMet == [])
    }
  }

  @Test("a bundle that was changed after its manifest was made is refused without starting it")
  func tampered() async throws {
    try await withTemporaryDirectory { directory in
      let bundle = try Samples.bundle("minimal", in: directory) {
        $0
      } manifest: { json in
        guard case .object(var object) = json else { return json }
        object["sha256"] = .string(String(repeating: "0", count: 64))
        return .object(object)
      }
      let report = try await Samples.check(bundle, in: directory)
      #expect(report.results.map(\.check.id) == ["manifest.valid"])
      #expect(report.exitStatus == 1)
    }
  }
}
