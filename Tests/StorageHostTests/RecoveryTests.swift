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

/// What a daemon that was killed left in its journal and on the storage, found by the next one.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct RecoveryTests {
  /// Writes an open record as a daemon does right before it calls the plugin, and dies.
  private func leave(
    _ fixture: HostFixture, _ method: String, _ intent: JSONObject, job: Bool = false
  ) async throws -> (record: OperationID, job: OperationID?) {
    let database = try JobDatabase(path: fixture.directory.file("state/berth.sqlite"))
    var jobID: OperationID?
    if job {
      let request = JobRequest(kind: method, storeid: "s1", title: method, owner: "test", paramsDigest: "d")
      let submitted = try await JobStore(database).submit(request) { _ throws(StorageError) in
        try? await Task.sleep(for: .seconds(3_600))
        return .null
      }
      jobID = submitted.id
    }
    let record = try await Journal(database).begin(
      JournalIntent(
        method: method, storeid: "s1", intent: .object(intent), paramsDigest: "d", idempotencyKey: "k-\(method)",
        token: 1, actor: "test", job: jobID))
    guard case .begin(let begun) = record else { throw CancellationError() }
    // The connection is left open, as the dead daemon's was; WAL lets the next one in.
    return (begun.id, jobID)
  }

  private func put(_ fixture: HostFixture, _ name: String, _ size: Int) {
    fixture.directory.write("data-s1/\(name)", [UInt8](repeating: 7, count: size), mode: 0o600)
  }

  @Test func halfMadeVolumesAreRemovedAndTheirJobEnds() async throws {
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { _ in }
    put(fixture, "100_vm-100-disk-0.raw", 10)
    let (record, job) = try await leave(fixture, "alloc_image", ["volname": .string(disk), "size": 4_096], job: true)
    try await fixture.once { host in
      #expect(try fixture.files().isEmpty)
      let settled = try await host.journal.record(record)
      #expect(settled?.state == .failed)
      #expect(settled?.outcome == .rolledBack)
      let ended = try await host.job(#require(job))
      #expect(ended.state == .failed)
      #expect(ended.error?.outcome == .rolledBack)
      var caller = fixture.caller
      caller.idempotencyKey = "k-alloc_image"
      #expect(try await host.alloc("s1", vmid: 100, size: 4_096, caller) == "s1:\(disk)")
      try await fixture.expectSettled(host)
    }
  }

  @Test func aFreeIsFinishedAndARenameFoundDone() async throws {
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { _ in }
    put(fixture, "100_vm-100-disk-0.raw", 10)
    put(fixture, "101_vm-101-disk-0.raw", 10)
    let free = try await leave(fixture, "free_image", ["volname": .string(disk)])
    let rename = try await leave(
      fixture, "rename_volume", ["volname": "102/vm-102-disk-0.raw", "targetVolname": "101/vm-101-disk-0.raw"])
    let lost = try await leave(
      fixture, "rename_volume2", ["volname": "1/vm-1-disk-0.raw", "targetVolname": "2/vm-2-disk-0.raw"])
    try await fixture.once { host in
      #expect(try fixture.files() == ["101_vm-101-disk-0.raw"])
      #expect(try await host.journal.record(free.record)?.state == .done)
      let renamed = try await host.journal.record(rename.record)
      #expect(renamed?.state == .done)
      #expect(renamed?.result == "s1:101/vm-101-disk-0.raw")
      #expect(try await host.journal.record(lost.record)?.state == .reported)
    }
  }

  @Test func aStorageThatCannotBeAskedIsAskedAgainLater() async throws {
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { _ in }
    put(fixture, "100_vm-100-disk-0.raw", 10)
    let (record, _) = try await leave(fixture, "alloc_image", ["volname": .string(disk), "size": 4_096])
    try fixture.order("activate_storage before error not_started")
    try await fixture.once { host in
      #expect(try await host.journal.record(record)?.state == .started)
      #expect(try fixture.files().count == 1)
      // Its name is not given to anybody else meanwhile.
      #expect(try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller) == "s1:100/vm-100-disk-1.raw")
      let report = try await host.reconcile("s1", fixture.caller)
      #expect(report.items.map(\.verdict) == [.undone])
      #expect(try fixture.files() == ["100_vm-100-disk-1.raw"])
    }
  }

  @Test func whatWasRemovedFromTheDiskButNotTheJournalIsSettled() async throws {
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { _ in }
    let (record, _) = try await leave(fixture, "add_storage", ["type": "scripted"])
    try await fixture.once { host in
      let settled = try await host.journal.record(record)
      #expect(settled?.state == .done)
    }
  }
}

extension RecoveryTests {
  @Test func aReportedOperationNeverTouchesANewVolumeOfItsName() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      try fixture.order("free_image after nothing\nfree_image after nothing")
      _ = await #expect(throws: StorageError.self) { try await host.free("s1", disk, fixture.caller) }
      let reported = try await host.journal.reported()
      #expect(reported.count == 1)
      let report = try await host.reconcile("s1", fixture.caller)
      #expect(report.items.map(\.verdict) == [.reported])
      #expect(try fixture.files().count == 1)
      try await host.free("s1", disk, fixture.caller)
      #expect(try await host.alloc("s1", vmid: 100, size: 8_192, fixture.caller) == "s1:\(disk)")
      _ = try await host.reconcile("s1", fixture.caller)
      #expect(try await host.info("s1", disk, fixture.caller).size == 8_192)
    }
  }
}
