// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

private let disk = "100/vm-100-disk-0.raw"

/// Operations somebody has to look at, and what closes them again.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct ReportedOperationTests {
  /// Leaves an operation as a daemon that died in the middle does; the next reconciling looks at it.
  private func leave(_ host: StorageHost, _ method: String, _ intent: JSONObject) async throws -> OperationID {
    let admission = try await host.journal.begin(
      JournalIntent(method: method, storeid: "s1", intent: .object(intent), paramsDigest: "d", actor: "test"))
    guard case .begin(let record) = admission else { throw CancellationError() }
    return record.id
  }

  private func verdict(_ host: StorageHost, _ id: OperationID) async throws -> ReconcileReport.Item? {
    try await host.reconcile("s1", Caller(actor: "test")).items.first { $0.operation == id.rawValue }
  }

  @Test(arguments: ["volume_snapshot_rollback", "volume_import"]) func doingWhatTheHintSaysClosesIt(
    method: String
  ) async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      try await host.snapshot("s1", disk, "snap", caller)
      let intent: JSONObject = ["volname": .string(disk), "snapname": "snap", "baseSnapshot": "snap"]
      let first = try await leave(host, method, intent)
      #expect(try await verdict(host, first)?.hint?.contains("berth snapshot rollback s1:\(disk) snap") == true)
      #expect(try await host.journal.record(first)?.state == .reported)
      try await host.rollback("s1", disk, "snap", caller)
      #expect(try await host.journal.record(first)?.state == .failed)
      #expect(try await host.reconcile(nil, caller).items.isEmpty)
      // Nothing is left to look at of a volume that is gone.
      let second = try await leave(host, method, intent)
      #expect(try await verdict(host, second)?.verdict == .reported)
      try await host.free("s1", disk, caller)
      #expect(try await host.journal.record(second)?.state == .failed)
      #expect(try await host.reconcile(nil, caller).items.isEmpty)
    }
  }

  @Test func whatOthersDoToOtherVolumesClosesNothing() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 101, size: 4_096, fixture.caller)
      let id = try await leave(host, "volume_snapshot_rollback", ["volname": .string(disk), "snapname": "snap"])
      #expect(try await verdict(host, id)?.verdict == .reported)
      try await host.free("s1", "101/vm-101-disk-0.raw", fixture.caller)
      #expect(try await host.journal.record(id)?.state == .reported)
    }
  }

  @Test func whatWasLookedAtIsDismissed() async throws {
    try await HostFixture.run { fixture, host in
      let id = try await leave(host, "volume_snapshot_rollback", ["volname": .string(disk), "snapname": "snap"])
      #expect(try await verdict(host, id)?.verdict == .reported)
      let item = try await host.dismiss(id, fixture.caller)
      #expect(item.operation == id.rawValue)
      #expect(item.verdict == .undone)
      #expect(try await host.reconcile(nil, fixture.caller).items.isEmpty)
      let again = await #expect(throws: StorageError.self) { try await host.dismiss(id, fixture.caller) }
      #expect(again?.code == .jobNotFound)
      let unknown = await #expect(throws: StorageError.self) {
        try await host.dismiss(OperationID(rawValue: "nobody"), fixture.caller)
      }
      #expect(unknown?.code == .jobNotFound)
      #expect(unknown?.hint?.contains("berth reconcile") == true)
    }
  }

  @Test func aStorageThatIsRemovedTakesItsReportsAlong() async throws {
    try await HostFixture.run { fixture, host in
      let id = try await leave(host, "volume_snapshot_rollback", ["volname": .string(disk), "snapname": "snap"])
      #expect(try await verdict(host, id)?.verdict == .reported)
      try await host.removeStorage("s1", fixture.caller)
      #expect(try await host.journal.record(id)?.state == .failed)
      #expect(try await host.reconcile(nil, fixture.caller).items.isEmpty)
    }
  }

  @Test func aChangeThatIsInTheFileIsDone() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.updateStorage("s1", values: ["level": 3], fixture.caller)
      let change = try #require(try await host.journal.recent(storeid: "s1").first { $0.method == "update_storage" })
      // Written before the file was: the digest of what it is now.
      let digest = try await host.configDigest()
      #expect(change.intent["digest"]?.stringValue == digest)
      let done = try await leave(host, "update_storage", change.intent.objectValue ?? [:])
      #expect(try await verdict(host, done)?.verdict == .done)
      #expect(try await host.journal.record(done)?.state == .done)
      let undone = try await leave(host, "update_storage", ["digest": "0000"])
      #expect(try await verdict(host, undone)?.verdict == .undone)
      let before = try await leave(host, "update_storage", ["delete": []])
      #expect(try await verdict(host, before)?.verdict == .undone)
    }
  }

  @Test func attributesAreComparedByWhatTheyMean() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      func found(_ attribute: String, _ value: JSON) async throws -> ReconcileReport.Item.Verdict? {
        let intent: JSONObject = ["volname": .string(disk), "attribute": .string(attribute), "value": value]
        return try await verdict(host, try await leave(host, "update_volume_attribute", intent))?.verdict
      }
      #expect(try await found("notes", .null) == .done)
      #expect(try await found("notes", "") == .done)
      #expect(try await found("notes", "x") == .undone)
      #expect(try await found("protected", 1) == .undone)
      #expect(try await found("protected", 0) == .done)
      try await host.setAttribute("s1", disk, "protected", true, fixture.caller)
      #expect(try await found("protected", 1) == .done)
      #expect(try await found("protected", false) == .undone)
    }
  }
}
