// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import JSON
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// What the host lists and keeps by itself for a plugin without `list_volumes` and attributes, on a storage with a path.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct FileListingTests {
  private let content: JSONObject = ["content": "images,iso,vztmpl,backup,snippets,import"]
  private let archive = "vzdump-qemu-100-2024_05_01-12_00_00.vma.zst"

  private func put(_ fixture: HostFixture, _ name: String, _ text: String = "12345") {
    let path = "data-s1/\(name)"
    let folder = (fixture.directory.file(path) as NSString).deletingLastPathComponent
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    fixture.directory.write(path, text, mode: 0o644)
  }

  private func run(
    _ more: JSONObject = [:], _ body: (HostFixture, StorageHost) async throws -> Void
  ) async throws {
    try await HostFixture.run(types: ["plain"], adding: []) { fixture, host in
      var values = content
      values.merge(more)
      try await fixture.add("s1", to: host, type: "plain", values)
      try await body(fixture, host)
    }
  }

  @Test func filesAreListedAsProxmoxShowsThem() async throws {
    try await run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      for name in [
        "template/iso/Debian.ISO", "template/iso/notes.txt", "template/cache/alpine.tar.xz", "snippets/init.yaml",
        "import/a.ova", "dump/\(archive)", "dump/\(archive).protected", "dump/vzdump-lxc-101-x.tar.gz", "dump/x.log",
      ] { put(fixture, name) }
      put(fixture, "dump/\(archive).notes", "first line\nsecond")
      symlink("/etc/passwd", fixture.data("s1") + "/template/iso/link.iso")
      mkfifo(fixture.data("s1") + "/template/iso/fifo.iso", 0o600)
      let all = try await host.list("s1", caller).volumes
      #expect(
        all.map(\.volname) == [
          "100/vm-100-disk-0.raw", "iso/Debian.ISO", "vztmpl/alpine.tar.xz", "backup/vzdump-lxc-101-x.tar.gz",
          "backup/\(archive)", "snippets/init.yaml", "import/a.ova",
        ])
      #expect(all.map(\.format) == ["raw", "iso", "txz", "tar.gz", "vma.zst", "snippet", "ova"])
      #expect(all.dropFirst().allSatisfy { $0.size == 5 })
      let backup = try #require(all.first { $0.volname == "backup/\(archive)" })
      #expect(backup.vmid == 100 && backup.notes == "first line" && backup.isProtected == true)
      #expect(backup.more["subtype"] == "qemu")
      // 2024-05-01 12:00:00 on this machine's clock, whatever its zone.
      #expect(abs((backup.ctime ?? 0) - 1_714_564_800) <= 14 * 3_600)
      #expect(try await host.list("s1", vmid: 100, caller).volumes.count == 2)
      #expect(try await host.list("s1", content: ["iso"], caller).volumes.map(\.volname) == ["iso/Debian.ISO"])
      let marks = try await host.prune("s1", keep: "keep-last=1", isDryRun: true, caller)
      #expect(marks.map(\.mark).sorted() == ["protected", "renamed"])
    }
  }

  @Test func everyPageSizeGivesEveryFileOnce() async throws {
    try await run { fixture, host in
      for index in 0..<3 { _ = try await host.alloc("s1", vmid: 100 + index, size: 4_096, fixture.caller) }
      for index in 0..<7 { put(fixture, "template/iso/\(index).iso") }
      for index in 0..<5 { put(fixture, "snippets/\(index)") }
      for limit in [1, 2, 3, 5, 15, 100] {
        var seen: [String] = []
        var cursor: String?
        repeat {
          let page = try await host.list("s1", cursor: cursor, limit: limit, fixture.caller)
          #expect(page.volumes.count <= limit)
          seen += page.volumes.map(\.volname)
          cursor = page.cursor
        } while cursor != nil
        #expect(seen.count == 15 && Set(seen).count == 15, "limit \(limit): \(seen)")
      }
      let error = await #expect(throws: StorageError.self) {
        try await host.list("s1", cursor: "berth-files:nonsense", fixture.caller)
      }
      #expect(error?.code == .cursorInvalid)
    }
  }

  @Test func contentThatIsNotAllowedIsNotLookedAtAndContentDirsCount() async throws {
    try await run(["content": "images,iso", "content-dirs": "iso=cds"]) { fixture, host in
      put(fixture, "cds/a.iso")
      put(fixture, "template/iso/b.iso")
      put(fixture, "snippets/c")
      let names = try await host.list("s1", fixture.caller).volumes.map(\.volname)
      #expect(names == ["iso/a.iso"])
    }
  }

  @Test func aDirectoryThatIsALinkLeadsNowhere() async throws {
    try await run { fixture, host in
      try FileManager.default.createDirectory(
        atPath: fixture.data("s1") + "/template", withIntermediateDirectories: true)
      symlink("/", fixture.data("s1") + "/template/iso")
      let error = await #expect(throws: StorageError.self) { try await host.list("s1", fixture.caller) }
      #expect(error?.code == .configInvalid)
      #expect(error?.hint?.contains("symbolic") == true)
    }
  }

  @Test func notesAndProtectionOfBackupsAreKeptBesideThem() async throws {
    try await run { fixture, host in
      let caller = fixture.caller
      let name = "backup/\(archive)"
      put(fixture, "dump/\(archive)")
      #expect(try await host.getAttribute("s1", name, "protected", caller) == false)
      try await host.setAttribute("s1", name, "protected", true, caller)
      try await host.setAttribute("s1", name, "notes", "one\ntwo", caller)
      #expect(try await host.getAttribute("s1", name, "protected", caller) == true)
      #expect(
        try await host.call("get_volume_notes", on: "s1", ["volname": .string(name)], caller)["notes"] == "one\ntwo")
      let files = try FileManager.default.contentsOfDirectory(atPath: fixture.data("s1") + "/dump").sorted()
      #expect(files == [archive, archive + ".notes", archive + ".protected"])
      try await host.setAttribute("s1", name, "protected", false, caller)
      try await host.setAttribute("s1", name, "notes", .null, caller)
      #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.data("s1") + "/dump") == [archive])
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      let error = await #expect(throws: StorageError.self) {
        try await host.setAttribute("s1", "100/vm-100-disk-0.raw", "notes", "x", caller)
      }
      #expect(error?.code == .notSupported)
      try await fixture.expectSettled(host)
    }
  }
}
