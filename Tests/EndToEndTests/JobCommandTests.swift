// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestSupport
import Testing

/// Changes as jobs, and the rarer commands, with the real programs.
@Suite(
  "Jobs from end to end", .serialized, .timeLimit(.minutes(10)), .requires(.root), .requires(.program("qemu-img")))
struct JobCommandTests {
  private func installed() async throws -> Installation {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    return host
  }

  @Test func aChangeCanBeLeftToItselfAndRepeated() async throws {
    let host = try await installed()
    let alloc = { (size: String, more: [String]) async -> Program.Finished in
      await Program.run(
        Program.products + "/berth", ["volume", "alloc", "local", "100", size, "--format", "raw"] + more,
        environment: ["BERTH_SOCKET": host.socket])
    }
    let job = await alloc("1M", ["--detach", "--idempotency-key", "once"]).text
    #expect(try await host.succeed("job", "wait", job) == "done")
    #expect(await alloc("1M", ["--idempotency-key", "once"]).text == "local:100/vm-100-disk-0.raw")
    #expect(await alloc("1M", ["--detach", "--idempotency-key", "once"]).text == job)
    let conflict = await alloc("2M", ["--idempotency-key", "once"])
    #expect(conflict.status == 6, "\(conflict.errors)")
    #expect(try await host.volumes() == ["local:100/vm-100-disk-0.raw"])
    let shown = try JSON.parse(try await host.succeed("job", "show", job, "--json"))
    #expect(shown["result"]?["volid"] == "local:100/vm-100-disk-0.raw")
    for command in [["job", "show", "nosuch"], ["volume", "list", "nosuch"], ["plugin", "show", "nosuch"]] {
      let run = await Program.run(
        Program.products + "/berth", command, environment: ["BERTH_SOCKET": host.socket])
      #expect(run.status == 5, "\(command): \(run.errors)")
    }
    #expect(await host.stop() == 0)
  }

  @Test func aCopyIsCancelledAndLeavesNothing() async throws {
    let host = try await installed()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "64M", "--format", "raw")
    let job = try await host.succeed(
      "volume", "copy", volume, "local", "--vmid", "101", "--bandwidth", "1M", "--detach")
    let moves = try await eventually(within: .seconds(60)) {
      let shown = try JSON.parse(try await host.succeed("job", "show", job, "--json"))
      return (shown["progress"]?["done"]?.intValue ?? 0) > 0
    }
    #expect(moves)
    try await host.succeed("job", "cancel", job)
    let ended = await host.berth("job", "wait", job)
    #expect(ended.status == 9, "\(ended.errors)")
    #expect(try await host.volumes() == [volume])
    #expect(host.files() == ["100/vm-100-disk-0.raw"])
    #expect(try await host.succeed("lock", "list", "--json") == #"{"items":[]}"#)
    #expect(try await host.succeed("job", "log", job).contains("cancel requested"))
    #expect(await host.stop() == 0)
  }

  @Test func rareMethodsHaveCommands() async throws {
    let host = try await installed()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M", "--format", "raw")
    let name = "100/vm-100-disk-0.raw"
    let path = host.store + "/images/" + name
    #expect(try await host.succeed("volume", "map", volume) == path)
    try await host.succeed("volume", "unmap", volume)
    try await host.succeed("volume", "activate", volume)
    try await host.succeed("volume", "deactivate", volume)
    #expect(try await host.succeed("volume", "has-feature", volume, "copy") == "yes")
    let clone = await host.berth("volume", "has-feature", volume, "clone")
    #expect(clone.status == 1)
    #expect(clone.text == "no")
    let size = try JSON.parse(
      try await host.succeed("call", "local", "volume_size_info", #"{"volname":"\#(name)"}"#))
    #expect(size["size"] == 1_048_576)
    let type = try JSON.parse(try await host.succeed("call", "local", "plugindata"))
    #expect(type["formats"]?.arrayValue?.contains("qcow2") == true)
    let made = try JSON.parse(
      try await host.succeed("call", "local", "alloc_image", "-", input: Array(#"{"vmid":7,"size":4096}"#.utf8)))
    #expect(made["volname"] == "7/vm-7-disk-0.raw")
    #expect(await host.berth("call", "local", "volume_export", "{}").status != 0)
    #expect(await host.berth("call", "local", "nosuch").status != 0)
    try await host.succeed("storage", "deactivate", "local")
    try await host.succeed("storage", "activate", "local")
    let marks = try await host.succeed("prune", "local", "--keep", "keep-last=1", "--dry-run", "--json")
    #expect(marks == #"{"items":[]}"#)
    try await host.succeed("prune", "local", "--keep", "keep-last=1")
    #expect(await host.stop() == 0)
  }

  @Test func aForeignConfigurationIsTakenOver() async throws {
    let host = try await installed()
    let other = host.directory.file("other")
    mkdir(other, 0o755)
    let file = host.directory.file("storage.cfg")
    writeFile(file, Array("directory: other\n\tpath \(other)\n\nunheardof: far\n\tserver 192.0.2.1\n".utf8))
    let secrets = host.directory.file("priv")
    mkdir(secrets, 0o700)
    writeFile(secrets + "/far.pw", Array("hunter2\n".utf8))
    let dry = try await host.succeed("config", "import", file, "--secrets", secrets, "--dry-run")
    #expect(dry.contains("other (directory, line 1): waiting"))
    #expect(dry.contains("nothing was changed"))
    let report = try await host.succeed("config", "import", file, "--secrets", secrets, "--consent")
    #expect(report.contains("other (directory, line 1): usable"), "\(report)")
    #expect(report.contains("far (unheardof, line 4): waiting"), "\(report)")
    #expect(report.contains("'password' is not stored"), "\(report)")
    #expect(!report.contains("hunter2"))
    #expect(!host.log.contains("hunter2"))
    #expect(try await host.succeed("volume", "alloc", "other", "1", "1M") == "other:1/vm-1-disk-0.raw")
    #expect(await host.berth("config", "import", file).status == 6)
    #expect(await host.stop() == 0)
  }
}
