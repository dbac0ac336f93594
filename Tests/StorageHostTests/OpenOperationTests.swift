// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

private let disk = "100/vm-100-disk-0.raw"

/// Operations whose end is not known, or not recorded yet: nobody takes for half-made what is whole, and a storage that
/// does not answer stops nobody else.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct OpenOperationTests {
  private func intent(_ method: String, _ storeid: String, _ intent: JSONObject) -> JournalIntent {
    JournalIntent(method: method, storeid: storeid, intent: .object(intent), paramsDigest: "d", actor: "test")
  }

  private func put(_ fixture: HostFixture, _ storeid: String = "s1") {
    fixture.directory.write("data-\(storeid)/100_vm-100-disk-0.raw", [UInt8](repeating: 7, count: 64), mode: 0o666)
  }

  @Test func finishedWorkOutlastsAFullJournalDisk() async throws {
    let fixture = try HostFixture()
    let state = fixture.directory.file("state")
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    try #require(mount("none", state, "tmpfs", 0, "size=24m,mode=711") == 0)
    defer { umount2(state, Int32(MNT_DETACH)) }
    try await fixture.once(adding: ["s1"]) { host in
      try fixture.order("alloc_image after wait")
      async let making = host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      let record = try #require(try await host.journal.unfinished().first?.id)
      fixture.directory.write("state/filler", "", mode: 0o600)
      let fd = Glibc.open(state + "/filler", O_WRONLY)
      let block = [UInt8](repeating: 1, count: 4_096)
      while Glibc.write(fd, block, block.count) > 0 {}
      Glibc.close(fd)
      fixture.letGo()
      var told: StorageError?
      do { _ = try await making } catch { told = error as? StorageError }
      #expect(told?.outcome == .unknown, "\(String(describing: told))")
      #expect(told?.hint?.contains("berth reconcile s1") == true, "\(String(describing: told))")
      // As long as the end cannot be recorded, nobody looks for another one.
      let report = try await host.reconcile("s1", fixture.caller)
      #expect(report.items.map(\.verdict) == [.reported], "\(report)")
      #expect(try fixture.files() == ["100_vm-100-disk-0.raw"])
      unlink(state + "/filler")
      _ = try await host.reconcile("s1", fixture.caller)
      #expect(try await host.journal.record(record)?.state == .done)
      #expect(try await host.reconcile("s1", fixture.caller).items.isEmpty)
      #expect(try await host.info("s1", disk, fixture.caller).size == 4_096)
      try await fixture.expectSettled(host)
    }
  }

  @Test func whatEndsWhileOthersAreReconciledKeepsItsVolume() async throws {
    try await HostFixture.run { fixture, host in
      put(fixture)
      fixture.directory.write("data-s1/101_vm-101-disk-0.raw", "x", mode: 0o666)
      let slow = intent("volume_snapshot", "s1", ["volname": "101/vm-101-disk-0.raw", "snapname": "a"])
      let quick = intent("alloc_image", "s1", ["volname": .string(disk), "size": 64, "format": "raw"])
      _ = try await host.journal.begin(slow)
      guard case .begin(let record) = try await host.journal.begin(quick) else { throw CancellationError() }
      try fixture.order("volume_snapshot_info before wait")
      async let report = host.reconcile("s1", fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      // Both were listed as open; the second one gets its end from somebody else.
      try await host.journal.settle(record.id, .done(.string("s1:\(disk)")))
      fixture.letGo()
      #expect(try await report.items.map(\.method) == ["volume_snapshot"])
      #expect(try fixture.files().contains("100_vm-100-disk-0.raw"))
      #expect(try await host.journal.record(record.id)?.state == .done)
    }
  }

  @Test func aStorageThatHangsDelaysNeitherTheStartNorTheOthers() async throws {
    let fixture = try HostFixture()
    var records: [String: OperationID] = [:]
    try await fixture.once(adding: ["s1", "s2"]) { host in
      for storeid in ["s1", "s2"] {
        let half = intent("alloc_image", storeid, ["volname": .string(disk), "size": 4_096, "format": "raw"])
        guard case .begin(let record) = try await host.journal.begin(half) else { throw CancellationError() }
        records[storeid] = record.id
        put(fixture, storeid)
      }
    }
    try fixture.order("activate_storage before wait")
    let begun = ContinuousClock.now
    let host = try await StorageHost.open(fixture.settings)
    #expect(begun.duration(to: .now) < .seconds(15), "the start waits for no storage")
    do {
      let other = try #require(records["s2"])
      #expect(try await eventually { try await host.journal.record(other)?.state == .failed })
      #expect(try fixture.files("s2").isEmpty)
      // What the hanging one is to be asked about is nobody's until it has answered.
      var hasty = fixture.caller
      hasty.timeout = .milliseconds(300)
      let asker = hasty
      let refused = await #expect(throws: StorageError.self) { try await host.free("s1", disk, asker) }
      #expect(refused?.code == .volumeBusy && refused?.outcome == .notStarted, "\(String(describing: refused))")
      #expect(refused?.message.contains("alloc_image") == true)
      #expect(refused?.hint?.contains("berth reconcile s1") == true)
      async let freed: Void = host.free("s1", disk, fixture.caller)
      fixture.letGo()
      try await freed
      await host.recovered()
      let own = try #require(records["s1"])
      #expect(try await host.journal.record(own)?.state == .failed)
      #expect(try fixture.files().isEmpty)
      try await fixture.expectSettled(host)
    } catch {
      fixture.letGo()
      await host.close(grace: .milliseconds(100))
      throw error
    }
    await host.close(grace: .milliseconds(100))
  }
}
