// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A full disk under the volumes or under the daemon's own state: said to be full, and the state is the state before.
@Suite("Full disks", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct FullDiskTests {
  @Test func anAllocationThatDoesNotFitLeavesNothing() async throws {
    let host = try await Installation()
    let small = try await SmallDisk(host.directory.file("small"), bytes: 4 << 20)
    defer { small.unmount() }
    try await host.start()
    try await host.succeed(
      "storage", "add", "directory", "local", "-o", "path=\(small.path)", "-o", "preallocation=full", "--consent")
    for format in ["raw", "qcow2"] {
      let run = await host.berth("volume", "alloc", "local", "100", "8M", "--format", format)
      #expect(run.status == 7, "\(format): \(run.errors)")
      #expect(run.errors.contains("next:"), "\(format): \(run.errors)")
      #expect(try await host.volumes().isEmpty)
      #expect(Installation.entries(small.path + "/images/100").isEmpty, "\(format)")
    }
    try await host.succeed("volume", "alloc", "local", "100", "1M")
    await host.stop()
  }

  @Test func anExportToAFullDiskIsSaidToBe() async throws {
    let host = try await Installation()
    let small = try await SmallDisk(host.directory.file("small"), bytes: 1 << 20)
    defer { small.unmount() }
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "4M")
    for target in ["/dev/full", small.path + "/image"] {
      let run = await host.berth("export", volume, "raw+size", target)
      #expect(run.status == 7, "\(target): \(run.status) \(run.errors)")
      #expect(run.errors.contains("next:"), "\(run.errors)")
    }
    #expect(Installation.entries(small.path).isEmpty)
    await host.stop()
  }

  @Test func aFullStateDirectoryStopsChangesBeforeTheyBegin() async throws {
    let host = try await Installation()
    let small = try await SmallDisk(host.stateDirectory, bytes: 8 << 20)
    defer { small.unmount() }
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M")
    let config = host.stateDirectory + "/storage.cfg"
    let before = readFile(config)
    small.fill()
    for arguments in [
      ["storage", "set", "local", "-o", "content=images"],
      ["storage", "add", "directory", "second", "-o", "path=\(host.store)", "--consent"],
      ["storage", "remove", "local"],
      ["volume", "alloc", "local", "100", "1M"],
      ["volume", "free", volume],
    ] {
      let run = await Program.run(Program.products + "/berth", arguments, environment: ["BERTH_SOCKET": host.socket])
      #expect(run.status == 7, "berth \(arguments): \(run.status) \(run.errors)")
      #expect(run.errors.lowercased().contains("space"), "berth \(arguments): \(run.errors)")
      #expect(run.errors.contains("next:"), "berth \(arguments): \(run.errors)")
    }
    #expect(readFile(config) == before, "storage.cfg is what it was")
    #expect(try await host.volumes() == [volume], "reading goes on, and nothing was made or freed")
    #expect(host.files().count == 1)
    small.empty()
    try await host.succeed("storage", "set", "local", "-o", "content=images")
    let second = try await host.succeed("volume", "alloc", "local", "100", "1M")
    #expect(try await host.volumes() == [volume, second])
    let open = try await host.succeed("reconcile", "--json")
    #expect(open == #"{"items":[]}"#)
    #expect(try await host.succeed("lock", "list", "--json") == #"{"items":[]}"#)
    await host.stop()
  }
}
