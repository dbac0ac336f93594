// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageProtocol
import Testing

@Suite struct JournalTests {
  @Test func recordsSurviveReopeningWithEveryField() async throws {
    let fixture = try Fixture()
    let begun = try await fixture.journal.begin(intent(key: "k")).record
    #expect(begun.state == .started)
    try fixture.database.close()
    let again = try JobDatabase(path: fixture.database.path)
    let open = try await Journal(again).unfinished()
    #expect(open == [begun])
    #expect(open.first?.token == UInt64.max - 1)
  }

  @Test func repeatedRequestReturnsTheFirstResult() async throws {
    let fixture = try Fixture()
    let first = try await fixture.journal.begin(intent(key: "k")).record
    let error = await #expect(throws: JobsError.self) { try await fixture.journal.begin(intent(key: "k")) }
    #expect(error?.code == .inProgress)
    #expect(error?.subject == first.id.rawValue)
    try await fixture.journal.settle(first.id, .done("s1:100/vm-100-disk-0.raw"))
    let second = try await fixture.journal.begin(intent(key: "k"))
    #expect(second.isReplay)
    #expect(second.record.result == "s1:100/vm-100-disk-0.raw")
    #expect(try await fixture.journal.admit(key: "k", paramsDigest: "d1")?.id == first.id)
  }

  @Test func sameKeyWithOtherParametersConflicts() async throws {
    let fixture = try Fixture()
    let first = try await fixture.journal.begin(intent(key: "k")).record
    for settled in [false, true] {
      if settled { try await fixture.journal.settle(first.id, .done(true)) }
      let error = await #expect(throws: JobsError.self) { try await fixture.journal.begin(intent("d2", key: "k")) }
      #expect(error?.code == .idempotencyConflict)
    }
  }

  @Test(arguments: [(Outcome.notStarted, true), (.rolledBack, true), (.partial, false), (.unknown, false)])
  func aFailureBindsItsKeyOnlyWhenItLeftSomething(outcome: Outcome, isFreed: Bool) async throws {
    let fixture = try Fixture()
    let first = try await fixture.journal.begin(intent(key: "k")).record
    try await fixture.journal.settle(first.id, .failed(StorageError(.cancelled, "stopped", outcome: outcome)))
    let second = try await fixture.journal.begin(intent(key: "k"))
    #expect(second.isReplay == !isFreed)
    #expect(try await fixture.journal.record(first.id)?.error?.outcome == outcome)
  }

  @Test func settledRecordsCannotBeSettledAgainButReportedOnesCan() async throws {
    let fixture = try Fixture()
    let journal = fixture.journal
    let record = try await journal.begin(intent()).record
    let failure = StorageError(.cancelled, "lost", outcome: .unknown)
    try await journal.settle(record.id, .reported(failure, hint: "berth volume free s1:x"))
    #expect(try await journal.unfinished().isEmpty)
    #expect(try await journal.reported().map(\.hint) == ["berth volume free s1:x"])
    try await journal.settle(record.id, .done(true))
    #expect(try await journal.reported().isEmpty)
    let error = await #expect(throws: JobsError.self) { try await journal.settle(record.id, .done(true)) }
    #expect(error?.code == .invalidState)
  }

  @Test func pruningForgetsOldSettledRecordsOnly() async throws {
    let fixture = try Fixture()
    let journal = fixture.journal
    let old = try await journal.begin(intent(key: "old")).record
    try await journal.settle(old.id, .done(true))
    let open = try await journal.begin(intent(key: "open")).record
    fixture.advance(3_600_000)
    let fresh = try await journal.begin(intent(key: "fresh")).record
    try await journal.settle(fresh.id, .done(true))
    #expect(try await journal.prune(olderThan: 1_800_000) == 1)
    #expect(try await journal.record(old.id) == nil)
    #expect(try await journal.unfinished().map(\.id) == [open.id])
    #expect(try await journal.prune(olderThan: 1_800_000, keeping: 0) == 1)
    #expect(try await journal.recent().map(\.id) == [open.id])
  }

  @Test func amendedIntentIsWhatReconcilingSees() async throws {
    let fixture = try Fixture()
    let record = try await fixture.journal.begin(intent()).record
    try await fixture.journal.amend(record.id, intent: ["phase": "commit"])
    #expect(try await fixture.journal.unfinished().first?.intent == ["phase": "commit"])
  }

  @Test func aFileThatIsNoDatabaseIsNamedWithAWayOut() throws {
    let path = NSTemporaryDirectory() + "berth-broken-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: JobsError.self) { try JobDatabase(path: path) }
    #expect(error?.code == .journalBroken)
    #expect(error?.message.contains(path) == true)
    #expect(error?.hint != nil)
  }

  @Test func commitsAreFlushedToTheDisk() async throws {
    let fixture = try Fixture()
    #expect(try await fixture.database.synchronousLevel() == 2)
  }
}
