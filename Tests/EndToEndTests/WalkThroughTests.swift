// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestSupport
import Testing

/// A user's day: the real programs, the real sandbox, the real qemu-img.
@Suite(
  "A storage from end to end", .serialized, .timeLimit(.minutes(10)), .requires(.root), .requires(.program("qemu-img")))
struct WalkThroughTests {
  @Test func allocateSnapshotWriteRollBackCloneExportImportFree() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "64M", "--format", "qcow2")
    #expect(volume == "local:100/vm-100-disk-0.qcow2")
    let path = try await host.succeed("volume", "path", volume)
    #expect(path == host.store + "/images/100/vm-100-disk-0.qcow2")

    try await Program.tool("qemu-io", "-f", "qcow2", "-c", "write -P 0x41 0 1M", path)
    try await host.succeed("snapshot", "create", volume, "before")
    #expect(try await host.succeed("snapshot", "list", volume).contains("before"))
    try await Program.tool("qemu-io", "-f", "qcow2", "-c", "write -P 0x42 0 1M", path)
    try await host.succeed("snapshot", "rollback", volume, "before")
    let pattern = try await Program.tool("qemu-io", "-f", "qcow2", "-c", "read -P 0x41 0 1M", path)
    #expect(!pattern.contains("verification failed"))
    try await host.succeed("snapshot", "delete", volume, "before")
    try await host.succeed("volume", "resize", volume, "+16M")

    let base = try await host.succeed("volume", "base", volume)
    #expect(base == "local:100/base-100-disk-0.qcow2")
    let clone = try await host.succeed("volume", "clone", base, "101")
    #expect(clone == "local:100/base-100-disk-0.qcow2/101/vm-101-disk-0.qcow2")
    let inUse = await host.berth("volume", "free", base)
    #expect(inUse.status == 6, "\(inUse.errors)")

    let file = host.directory.file("clone.raw+size")
    try await host.succeed("export", clone, "raw+size", file, "--digest", "sha256")
    let copy = try await host.succeed("import", "local", "raw+size", file, "--vmid", "102")
    #expect(copy == "local:102/vm-102-disk-0.raw")
    let clonePath = try await host.succeed("volume", "path", clone)
    let copyPath = try await host.succeed("volume", "path", copy)
    try await Program.tool("qemu-img", "compare", clonePath, copyPath)

    #expect(try await host.volumes() == [base, clone, copy])
    try await host.succeed("volume", "free", clone, base, copy)
    #expect(try await host.volumes().isEmpty)
    #expect(host.files().isEmpty)
    #expect(await host.stop() == 0)
  }

  @Test func exportRunsStraightIntoImport() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "7", "32M", "--format", "raw")
    let path = try await host.succeed("volume", "path", volume)
    try await Program.tool("qemu-io", "-f", "raw", "-c", "write -P 0x37 4M 8M", path)
    let berth = "BERTH_SOCKET=\(host.socket) \(Program.products)/berth"
    try await Program.tool(
      "bash", "-o", "pipefail", "-c",
      "\(berth) export \(volume) raw+size - | \(berth) import local raw+size - --vmid 8")
    try await Program.tool("qemu-img", "compare", path, host.store + "/images/8/vm-8-disk-0.raw")
    #expect(await host.stop() == 0)
  }

  @Test func copyingBetweenStoragesKeepsTheContentAndShowsAJob() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let other = host.directory.file("other")
    mkdir(other, 0o755)
    try await host.succeed("storage", "add", "directory", "other", "--option", "path=\(other)", "--consent")
    let volume = try await host.succeed("volume", "alloc", "local", "100", "8M", "--format", "raw")
    let path = try await host.succeed("volume", "path", volume)
    try await Program.tool("qemu-io", "-f", "raw", "-c", "write -P 0x55 1M 2M", path)
    let copy = try await host.succeed("volume", "copy", volume, "other")
    #expect(copy == "other:100/vm-100-disk-0.raw")
    try await Program.tool("qemu-img", "compare", path, try await host.succeed("volume", "path", copy))
    let moved = try await host.succeed("volume", "move", copy, "local", "--vmid", "200")
    #expect(moved == "local:200/vm-200-disk-0.raw")
    #expect(try await host.volumes("other").isEmpty)
    let jobs = try JSON.parse(try await host.succeed("job", "list", "--json"))["items"]?.arrayValue ?? []
    #expect(
      jobs.compactMap { $0["kind"]?.stringValue } == ["move", "copy", "alloc_image", "add_storage", "add_storage"])
    #expect(jobs.allSatisfy { $0["state"] == "done" })
    // The format stays, also when another guest gets the copy.
    let image = try await host.succeed("volume", "alloc", "local", "105", "8M", "--format", "qcow2")
    let owned = try await host.succeed("volume", "copy", image, "other", "--vmid", "106")
    #expect(owned == "other:106/vm-106-disk-0.qcow2")
  }

  @Test func anExistingTreeWorksAsItStands() async throws {
    let host = try await Installation()
    for folder in ["images", "images/100", "template", "template/iso", "dump", "snippets"] {
      mkdir("\(host.store)/\(folder)", 0o755)
    }
    let image = host.store + "/images/100/vm-100-disk-3.qcow2"
    try await Program.tool("qemu-img", "create", "-q", "-f", "qcow2", image, "16M")
    writeFile(host.store + "/template/iso/debian.iso", Array("iso".utf8))
    try await host.start()
    try await host.succeed(
      "storage", "add", "directory", "local", "-o", "path=\(host.store)", "-o", "content=images", "-o", "content=iso",
      "--consent")
    #expect(try await host.volumes() == ["local:100/vm-100-disk-3.qcow2", "local:iso/debian.iso"])
    // The host goes on numbering where the tree has names already.
    #expect(try await host.succeed("volume", "alloc", "local", "100", "1M") == "local:100/vm-100-disk-0.raw")
  }
}
