// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct VolumeTests {
  @Test func aVolumeLivesFromAllocToFree() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      let volid = try await host.alloc("s1", vmid: 100, size: 65_536, caller)
      #expect(volid == "s1:100/vm-100-disk-0.raw")
      #expect(try await host.alloc("s1", vmid: 100, size: 65_536, caller) == "s1:100/vm-100-disk-1.raw")
      let name = "100/vm-100-disk-0.raw"
      let info = try await host.info("s1", name, caller)
      #expect(info.size == 65_536)
      #expect(info.path == fixture.data("s1") + "/100_vm-100-disk-0.raw")
      #expect(try await host.resize("s1", name, size: 100_000, caller) == 100_352)
      try await host.setAttribute("s1", name, "notes", "mine", caller)
      #expect(try await host.getAttribute("s1", name, "notes", caller) == "mine")
      try await host.snapshot("s1", name, "before", caller)
      #expect(try await host.snapshots("s1", name, caller).map(\.name) == ["before"])
      try await host.renameSnapshot("s1", name, "before", to: "after", caller)
      try await host.rollback("s1", name, "after", caller)
      try await host.deleteSnapshot("s1", name, "after", caller)
      let renamed = try await host.rename("s1", name, vmid: 101, caller)
      #expect(renamed == "s1:101/vm-101-disk-0.raw")
      let base = try await host.createBase("s1", "101/vm-101-disk-0.raw", caller)
      #expect(base == "s1:101/base-101-disk-0.raw")
      let page = try await host.list("s1", limit: 1, caller)
      #expect(page.volumes.count == 1)
      #expect(page.cursor != nil)
      try await host.free("s1", "100/vm-100-disk-1.raw", caller)
      try await host.free("s1", "101/base-101-disk-0.raw", caller)
      try await host.free("s1", "101/base-101-disk-0.raw", caller)
      #expect(try fixture.files().isEmpty)
      try await fixture.expectSettled(host)
    }
  }

  @Test func aRepeatedRequestReturnsTheFirstResult() async throws {
    try await HostFixture.run { fixture, host in
      var caller = fixture.caller
      caller.idempotencyKey = "once"
      let first = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      #expect(try await host.alloc("s1", vmid: 100, size: 4_096, caller) == first)
      #expect(try fixture.files().count == 1)
      let keyed = caller
      let error = await #expect(throws: StorageError.self) {
        try await host.alloc("s1", vmid: 100, size: 8_192, keyed)
      }
      #expect(error?.code == .idempotencyConflict)
    }
  }

  @Test func sixtyParallelAllocationsGetSixtyNames() async throws {
    try await HostFixture.run { fixture, host in
      let names = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<60 {
          group.addTask { try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller) }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(names.count == 60)
      #expect(try await fixture.volumes(host).count == 60)
      try await fixture.expectSettled(host)
    }
  }

  @Test func aBaseWithClonesAndAProtectedVolumeStay() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      _ = try await host.createBase("s1", "100/vm-100-disk-0.raw", caller)
      let base = "100/base-100-disk-0.raw"
      try await host.setAttribute("s1", base, "protected", true, caller)
      var error = await #expect(throws: StorageError.self) { try await host.free("s1", base, caller) }
      #expect(error?.code == .protected)
      #expect(error?.outcome == .notStarted)
      try await host.setAttribute("s1", base, "protected", false, caller)
      #expect(try fixture.files().count == 1)
      let clone = try await host.clone("s1", base, vmid: 101, caller)
      #expect(clone.hasPrefix("s1:100/base-100-disk-0.raw/101/vm-101-disk-0"))
      error = await #expect(throws: StorageError.self) { try await host.free("s1", base, caller) }
      #expect(error?.code == .hasDependents)
      try await host.free("s1", String(clone.dropFirst(3)), caller)
      try await host.free("s1", base, caller)
      try await fixture.expectSettled(host)
    }
  }

  @Test func slowWipingGoesOnAfterTheFree() async throws {
    try await HostFixture.run { fixture, host in
      fixture.directory.write("data-s1/.wipe", "", mode: 0o644)
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      try await host.free("s1", "100/vm-100-disk-0.raw", fixture.caller)
      let path = fixture.data("s1") + "/.wiped"
      #expect(await eventually { FileManager.default.fileExists(atPath: path) })
      #expect(try await eventually { try await host.journal.unfinished().isEmpty })
    }
  }
}
