// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestSupport
import Testing

/// Bundles whose manifest is not true: each is named with its fault and serves nobody; the others work.
@Suite("Bad bundles", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct BadBundleTests {
  @Test func aManifestThatDoesNotFitIsNamedAndTheOthersWork() async throws {
    let host = try await Installation()
    try await copy(host, "hash") { manifest in
      manifest["sha256"] = .string(String(repeating: "0", count: 64))
    }
    try await copy(host, "version") { manifest in manifest["protocol"] = ["min": "9.0", "max": "9.3"] }
    try await copy(host, "profile") { manifest in
      manifest["profiles"] = ["pve-storage": ["min": 900, "max": 901]]
    }
    try await copy(host, "methods") { manifest in
      let methods = manifest["methods"]?.arrayValue ?? []
      manifest["methods"] = .array(methods + ["make_coffee"])
    }
    try await copy(host, "few") { manifest in manifest["methods"] = ["status"] }
    mkdir(host.plugins + "/nojson", 0o755)
    writeFile(host.plugins + "/nojson/manifest.json", Array("{\"id\": ".utf8))
    mkdir(host.plugins + "/empty", 0o755)
    try await host.start()
    try await host.addStorage()
    try await host.succeed("volume", "alloc", "local", "100", "1M")
    let list = try JSON.parse(Array(try await host.succeed("plugin", "list", "--json").utf8))
    let items = list["items"]?.arrayValue ?? []
    for (name, words) in [
      ("hash", ["sha-256"]), ("version", ["9.0", "protocol"]), ("profile", ["900"]), ("methods", ["make_coffee"]),
      ("few", ["list_images"]), ("nojson", ["manifest.json"]),
    ] {
      let item = items.first { $0["path"]?.stringValue?.hasSuffix("/" + name) == true }
      let problem = item?["problem"]?.stringValue ?? ""
      for word in words {
        #expect(problem.lowercased().contains(word), "\(name): \(item.map { $0.text() } ?? "not listed")")
      }
      let add = await host.berth("storage", "add", name, "s-" + name, "-o", "path=\(host.store)", "--consent")
      #expect(add.status == 2, "\(name): \(add.errors)")
      #expect(add.errors.contains("next:"), "\(name): \(add.errors)")
    }
    #expect(items.count(where: { $0["problem"] == nil || $0["problem"] == .null }) >= 2, "the good ones are listed")
    await host.stop()
  }

  @Test func aProgramChangedUnderARunningDaemonIsNotStarted() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M")
    let program = host.plugins + "/directory/directory.py"
    let good = readFile(program)
    writeFile(program, good + Array("\n# changed\n".utf8), mode: 0o755)
    for plugin in ProcessTable.plugins(of: host.daemon) { kill(plugin, SIGKILL) }
    // It goes on from the copy of what was agreed to; what lies in its place is refused.
    _ = await host.berth("plugin", "release", "local")
    // The first call may still meet the process that was killed.
    let works = await eventually { await host.berth("volume", "list", "local").text.contains(volume) }
    #expect(works)
    #expect(await eventually { host.log.contains("is started from the copy of its bundle") })
    let look = await host.berth("plugin", "rescan")
    #expect(look.status == 1 && look.text.contains("SHA-256"), "\(look)")
    writeFile(program, good, mode: 0o755)
    #expect(await host.berth("plugin", "rescan").status == 0)
    #expect(try await host.volumes() == [volume])
    await host.stop()
  }

  /// A copy of the directory plugin with a manifest changed by `change`, under names of its own.
  private func copy(_ host: Installation, _ name: String, change: (inout JSONObject) -> Void) async throws {
    try await Program.tool("cp", "-a", host.plugins + "/directory", host.plugins + "/" + name)
    let path = "\(host.plugins)/\(name)/manifest.json"
    var manifest = try #require(try JSON.parse(readFile(path)).objectValue)
    manifest["id"] = .string("org.berth.test.\(name)")
    var type = try #require(manifest["storageTypes"]?.arrayValue?.first?.objectValue)
    type["type"] = .string(name)
    manifest["storageTypes"] = [.object(type)]
    change(&manifest)
    writeFile(path, JSON.object(manifest).bytes())
  }
}
