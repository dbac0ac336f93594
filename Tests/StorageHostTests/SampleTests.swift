// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// Methods that only a real sample plugin serves, through the whole host and in the sandbox.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct SampleTests {
  private func withDirectory(
    _ more: JSONObject = [:], _ body: (HostFixture, StorageHost) async throws -> Void
  ) async throws {
    try await HostFixture.run(types: [], samples: ["directory"], adding: []) { fixture, host in
      try await fixture.add("s1", to: host, type: "directory", more)
      try await body(fixture, host)
    }
  }

  private func backup(_ fixture: HostFixture, _ name: String) {
    fixture.directory.write("data-s1/dump/\(name)", "x", mode: 0o644)
  }

  @Test func retentionIsAppliedByThePluginUnderTheStoragesLock() async throws {
    try await withDirectory(["content": ["backup"], "prune-backups": "keep-last=1"]) { fixture, host in
      let caller = fixture.caller
      for day in 1...4 { backup(fixture, "vzdump-qemu-100-2024_05_0\(day)-12_00_00.vma.zst") }
      backup(fixture, "vzdump-qemu-100-2024_05_01-12_00_00.vma.zst.protected")
      backup(fixture, "vzdump-qemu-100-2024_05_02-12_00_00.vma.zst.notes")
      let dry = try await host.prune("s1", isDryRun: true, caller)
      #expect(dry.map(\.mark) == ["protected", "remove", "remove", "keep"])
      #expect(try await host.list("s1", content: ["backup"], caller).volumes.count == 4)
      let done = try await host.prune("s1", keep: "keep-daily=2", isDryRun: false, caller)
      #expect(done.map(\.mark) == ["protected", "remove", "keep", "keep"])
      let left = try FileManager.default.contentsOfDirectory(atPath: fixture.data("s1") + "/dump").sorted()
      #expect(
        left == [
          "vzdump-qemu-100-2024_05_01-12_00_00.vma.zst", "vzdump-qemu-100-2024_05_01-12_00_00.vma.zst.protected",
          "vzdump-qemu-100-2024_05_03-12_00_00.vma.zst", "vzdump-qemu-100-2024_05_04-12_00_00.vma.zst",
        ])
      let answer = try await host.call("prune_backups", on: "s1", ["keep": ["last": 1], "dryRun": true], caller)
      #expect(answer["backups"]?.arrayValue?.compactMap { $0["mark"]?.stringValue } == ["protected", "remove", "keep"])
      try await fixture.expectSettled(host)
    }
  }

  @Test func notesHaveTheirOldMethodsToo() async throws {
    try await withDirectory(["content": ["backup"]]) { fixture, host in
      let name = "backup/vzdump-qemu-100-2024_05_01-12_00_00.vma.zst"
      backup(fixture, String(name.dropFirst(7)))
      let volume: JSONObject = ["volname": .string(name)]
      #expect(try await host.call("get_volume_notes", on: "s1", volume, fixture.caller)["notes"] == "")
      var change = volume
      change["notes"] = "kept for the audit"
      _ = try await host.call("update_volume_notes", on: "s1", change, fixture.caller)
      #expect(
        try await host.call("get_volume_notes", on: "s1", volume, fixture.caller)["notes"] == "kept for the audit")
      #expect(try await host.getAttribute("s1", name, "notes", fixture.caller) == "kept for the audit")
    }
  }

  @Test func snapshotsAreAChainOfFilesWhereTheStorageSaysSo() async throws {
    try await withDirectory(["snapshot-as-volume-chain": true]) { fixture, host in
      let caller = fixture.caller
      let disk = "100/vm-100-disk-0.qcow2"
      _ = try await host.alloc("s1", vmid: 100, format: "qcow2", size: 1 << 20, caller)
      for name in ["one", "two"] { try await host.snapshot("s1", disk, name, caller) }
      #expect(try await host.snapshots("s1", disk, caller).map(\.name) == ["one", "two", "current"])
      let blocked = await #expect(throws: StorageError.self) { try await host.rollback("s1", disk, "one", caller) }
      #expect(blocked?.code == .rollbackBlocked)
      #expect(blocked?.details["blockers"] == ["two"])
      try await host.renameSnapshot("s1", disk, "two", to: "second", caller)
      try await host.rollback("s1", disk, "second", caller)
      try await host.deleteSnapshot("s1", disk, "one", caller)
      #expect(try await host.snapshots("s1", disk, caller).map(\.name) == ["second", "current"])
      #expect(try await host.list("s1", caller).volumes.map(\.volname) == [disk])
      try await host.free("s1", disk, caller)
      let left = (try? FileManager.default.contentsOfDirectory(atPath: fixture.data("s1") + "/images")) ?? []
      #expect(left.isEmpty)
      try await fixture.expectSettled(host)
    }
  }

  @Test func theHooksRunWhenAStorageIsAddedChangedAndRemoved() async throws {
    try await HostFixture.run(types: [], samples: ["directory"], adding: []) { fixture, host in
      let clash: JSONObject = ["content": ["iso", "vztmpl"], "content-dirs": "iso=same,vztmpl=same"]
      let refused = await #expect(throws: StorageError.self) {
        try await fixture.add("s1", to: host, type: "directory", clash)
      }
      #expect(refused?.code == .configInvalid)
      #expect(try await host.storages().isEmpty)
      try await fixture.add("s1", to: host, type: "directory", ["content": ["iso", "vztmpl"]])
      let changed = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["content-dirs": "iso=same,vztmpl=same"], fixture.caller)
      }
      #expect(changed?.code == .configInvalid)
      fixture.directory.write("data-s1/template/iso/kept.iso", "x", mode: 0o644)
      try await host.removeStorage("s1", fixture.caller)
      // The data stays; empty directories that only this storage needed go.
      let left = try FileManager.default.subpathsOfDirectory(atPath: fixture.data("s1")).sorted()
      #expect(left == ["template", "template/iso", "template/iso/kept.iso"])
    }
  }

  @Test func definitionsComeFromTheManifest() async throws {
    try await HostFixture.run(samples: ["directory"], adding: []) { fixture, host in
      let caller = fixture.caller
      let type: JSONObject = ["type": "scripted"]
      let properties = try await host.call("properties", on: nil, type, caller)["properties"]
      #expect(properties?["level"]?["minimum"] == 0)
      #expect(properties?["password"]?["x-sensitive"] == true)
      let options = try await host.call("options", on: nil, type, caller)["options"]
      #expect(options?["path"] == ["optional": false, "fixed": true])
      #expect(options?["level"] == ["optional": true, "fixed": false])
      let data = try await host.call("plugindata", on: nil, ["type": "directory"], caller)
      #expect(data["defaultContent"] == ["images", "rootdir"])
      #expect(data["formats"]?.arrayValue?.contains("qcow2") == true)
      #expect(data["defaultFormat"] == "raw")
      #expect(data["features"]?.arrayValue?.contains("snapshot") == true)
      #expect(data["selectExisting"] == false)
      #expect(try await host.call("plugindata", on: nil, type, caller)["sensitiveProperties"] == ["password"])
      let registry = try await host.call("private", on: nil, type, caller)["types"]
      #expect(registry?.objectValue?.map(\.key).sorted() == ["dir", "directory", "scripted"])
      #expect(registry?["directory"]?["required"] == ["path"])
      let unknown = await #expect(throws: StorageError.self) {
        try await host.call("options", on: nil, ["type": "nobody"], caller)
      }
      #expect(unknown?.code == .invalidParams)
    }
  }

  @Test func whatOnlyTheHostMayDoIsRefusedByName() async throws {
    try await HostFixture.run { fixture, host in
      for method in ["cluster_lock_storage", "new_backup_provider", "on_add_hook", "on_delete_hook", "run_cleanup"] {
        let error = await #expect(throws: StorageError.self, "\(method)") {
          try await host.call(method, on: "s1", ["shared": false], fixture.caller)
        }
        #expect(error?.code == .notSupported, "\(method)")
        #expect(error?.outcome == .notStarted, "\(method)")
        #expect(error?.message.contains(method) == true)
      }
    }
  }
}
