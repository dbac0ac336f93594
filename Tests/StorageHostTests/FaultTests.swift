// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

private let disk = "100/vm-100-disk-0.raw"

@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct FaultTests {
  /// What is half-made, or made but not acknowledged, is gone afterwards, and the error says so.
  @Test(arguments: ["before die", "middle die", "after die", "after nothing", "after error unknown", "before hang"])
  func anAllocThatFailsLeavesNothing(fault: String) async throws {
    try await HostFixture.run { fixture, host in
      var caller = fixture.caller
      if fault.hasSuffix("hang") { caller.timeout = .seconds(1) }
      try fixture.order("alloc_image \(fault)")
      let asker = caller
      let error = await #expect(throws: StorageError.self) {
        try await host.alloc("s1", vmid: 100, size: 65_536, asker)
      }
      #expect(error?.outcome == .rolledBack || error?.outcome == .notStarted, "\(String(describing: error))")
      #expect(try fixture.files().isEmpty)
      try await fixture.expectSettled(host)
      #expect(try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller) == "s1:\(disk)")
    }
  }

  @Test func aVolumeOfAnotherNameIsReportedWithARepair() async throws {
    try await HostFixture.run { fixture, host in
      try fixture.order("alloc_image after name")
      let error = await #expect(throws: StorageError.self) {
        try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      }
      #expect(error?.code == .resultInvalid)
      #expect(error?.outcome == .partial)
      #expect(error?.hint?.contains("berth volume free s1:999/vm-999-disk-9.raw") == true)
      #expect(try await host.journal.reported().count == 1)
      try await host.free("s1", "999/vm-999-disk-9.raw", fixture.caller)
      #expect(try await host.reconcile("s1", fixture.caller).items.map(\.verdict) == [.undone])
      #expect(try await host.journal.reported().isEmpty)
    }
  }

  @Test(arguments: ["middle die", "after die", "after nothing", "before error unknown"])
  func aFreeIsCarriedToItsEndOrSaysThatItWasNot(fault: String) async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      try fixture.order("free_image \(fault)")
      try await host.free("s1", disk, fixture.caller)
      #expect(try fixture.files().isEmpty)
      try await fixture.expectSettled(host)
    }
  }

  @Test func aFreeThatIsOnlyClaimedTwiceIsReported() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      try fixture.order("free_image after nothing\nfree_image after nothing")
      let error = await #expect(throws: StorageError.self) { try await host.free("s1", disk, fixture.caller) }
      #expect(error?.outcome == .partial)
      #expect(error?.hint?.contains("berth volume free") == true)
      #expect(try await host.journal.reported().count == 1)
      try await host.free("s1", disk, fixture.caller)
      _ = try await host.reconcile(nil, fixture.caller)
      #expect(try await host.journal.reported().isEmpty)
    }
  }

  @Test(arguments: [("before die", "100/vm-100-disk-0.raw"), ("after die", "101/vm-101-disk-0.raw")])
  func aRenameIsDoneOrUndone(fault: String, name: String) async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      try fixture.order("rename_volume \(fault)")
      do throws(StorageError) {
        let volid = try await host.rename("s1", disk, vmid: 101, fixture.caller)
        #expect(volid == "s1:\(name)")
      } catch { #expect(error.outcome == .rolledBack || error.outcome == .notStarted) }
      #expect(try await fixture.volumes(host) == [name])
      try await fixture.expectSettled(host)
    }
  }

  @Test(arguments: ["late die", "after die", "after error unknown"])
  func aBaseIsProtectedEvenWhenItsMakingWasInterrupted(fault: String) async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      try fixture.order("create_base \(fault)")
      #expect(try await host.createBase("s1", disk, fixture.caller) == "s1:100/base-100-disk-0.raw")
      var info = stat()
      #expect(stat(fixture.data("s1") + "/100_base-100-disk-0.raw", &info) == 0)
      #expect(info.st_mode & 0o777 == 0o444, "nobody may write what clones are going to build on")
      try await fixture.expectSettled(host)
    }
  }

  @Test func aResizeAndASnapshotWithALostReplyAreFoundDone() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      try fixture.order("volume_resize after die")
      #expect(try await host.resize("s1", disk, size: 131_072, fixture.caller) == 131_072)
      try fixture.order("volume_snapshot after die")
      try await host.snapshot("s1", disk, "one", fixture.caller)
      #expect(try await host.snapshots("s1", disk, fixture.caller).map(\.name) == ["one"])
      try fixture.order("volume_snapshot_rollback before die")
      let error = await #expect(throws: StorageError.self) {
        try await host.rollback("s1", disk, "one", fixture.caller)
      }
      #expect(error?.outcome == .partial)
      #expect(error?.hint?.contains("berth snapshot rollback s1:\(disk) one") == true)
    }
  }

  @Test func liesAboutSizesAndPathsAreNotBelieved() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      for fault in ["list_images after size", "volume_size_info after size", "path after path", "status after size"] {
        try fixture.order(fault)
        let error: StorageError?
        do throws(StorageError) {
          switch fault.split(separator: " ")[0] {
          case "list_images": _ = try await host.list("s1", fixture.caller)
          case "volume_size_info": _ = try await host.info("s1", disk, fixture.caller)
          case "path": _ = try await host.path("s1", disk, fixture.caller)
          default: _ = try await host.call("status", on: "s1", [:], fixture.caller)
          }
          error = nil
        } catch let thrown { error = thrown }
        #expect(error?.code == .resultInvalid, "\(fault)")
      }
      #expect(try await host.path("s1", disk, fixture.caller).path.hasPrefix(fixture.data("s1")))
    }
  }

  @Test func badInputIsRefusedBeforeAnyPluginSeesIt() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      let names = ["../etc/passwd", "100/../x.raw", "a\u{0}b", String(repeating: "x", count: 4_096), "", "/etc/passwd"]
      for name in names {
        let error = await #expect(throws: StorageError.self) { try await host.free("s1", name, caller) }
        #expect(error?.code == .nameInvalid, "\(name.prefix(20))")
        #expect(error?.outcome == .notStarted)
      }
      for size in [0, -1, Int64.min, Int64.max] {
        let error = await #expect(throws: StorageError.self) {
          try await host.alloc("s1", vmid: 100, size: size, caller)
        }
        #expect(error?.code == .invalidParams, "\(size)")
      }
      for snapname in ["", "1st", "a b", "../x", "current", String(repeating: "s", count: 41)] {
        let error = await #expect(throws: StorageError.self) {
          try await host.snapshot("s1", disk, snapname, caller)
        }
        #expect(error?.code == .nameInvalid, "\(snapname)")
      }
      let format = await #expect(throws: StorageError.self) {
        try await host.alloc("s1", vmid: 100, format: "vhdx", size: 4_096, caller)
      }
      #expect(format?.code == .formatUnsupported)
      #expect(format?.hint?.contains("raw") == true)
      let vmid = await #expect(throws: StorageError.self) {
        try await host.alloc("s1", vmid: 0, size: 4_096, caller)
      }
      #expect(vmid?.code == .invalidParams)
      let records = try await host.journal.recent()
      #expect(records.map(\.method) == ["add_storage"])
    }
  }
}
