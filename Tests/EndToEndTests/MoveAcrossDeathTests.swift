// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// A move whose daemon is killed when the source is removed and nobody has been told.
@Suite("Move and death", .serialized, .requires(.root), .timeLimit(.minutes(5)))
struct MoveAcrossDeathTests {
  /// Has the sample plugin stop after it has removed a volume, until there is a file `.go` in its storage.
  private func hold(_ host: Installation) async throws {
    let bundle = host.plugins + "/directory"
    let program = bundle + "/directory.py"
    let old = try String(contentsOfFile: program, encoding: .utf8)
    let new = old.replacingOccurrences(
      of: "    return store.free(call, place(call), volume(call))\n",
      with: """
            result = store.free(call, place(call), volume(call))
            import os, time
            root = call.table("scfg")["path"]
            open(root + "/.freed", "w").close()
            while not os.path.exists(root + "/.go"):
                time.sleep(0.01)
            return result

        """)
    try #require(new != old)
    try Data(new.utf8).write(to: URL(fileURLWithPath: program))
    chmod(program, 0o755)
    let sum = try await Program.tool("sha256sum", program).prefix(64)
    let path = bundle + "/manifest.json"
    var manifest = try JSON.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: path)))).object()
    manifest["sha256"] = .string(String(sum))
    try Data(JSON.object(manifest).text().utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o644)
  }

  @Test func theJobTellsWhatWasMade() async throws {
    let host = try await Installation()
    try await hold(host)
    let target = host.directory.file("target")
    mkdir(target, 0o755)
    try await host.start()
    try await host.addStorage()
    try await host.succeed("storage", "add", "directory", "target", "--option", "path=\(target)", "--consent")
    try await host.succeed("volume", "alloc", "local", "100", "1M")
    let job = try await host.succeed("volume", "move", "local:100/vm-100-disk-0.raw", "target", "--detach")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(await eventually { FileManager.default.fileExists(atPath: host.store + "/.freed") })
    await host.stop(SIGKILL)
    try Data().write(to: URL(fileURLWithPath: host.store + "/.go"))
    try await host.start()
    try await host.succeed("job", "wait", job)
    let text = try await host.succeed("job", "show", job, "--json")
    let shown = try JSON.parse(Array(text.utf8))
    #expect(shown["state"] == "done", "\(text)")
    #expect(shown["result"]?["volid"] == "target:100/vm-100-disk-0.raw", "\(text)")
    #expect(shown["result"]?["bytes"] == 1_048_584, "\(text)")
    #expect(host.files().isEmpty)
    #expect(try await host.volumes("target") == ["target:100/vm-100-disk-0.raw"])
  }
}
