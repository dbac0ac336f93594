// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import Jobs
import Testing

/// A wall clock that is set while records are kept.
@Suite struct ClockJumpTests {
  static let hour: Int64 = 3_600_000
  static let day: Int64 = 24 * hour

  private func settled(_ journal: Journal, _ key: String) async throws -> OperationID {
    let record = try await journal.begin(intent(key: key)).record
    try await journal.settle(record.id, .done(true))
    return record.id
  }

  @Test(arguments: [3 * day, 400 * day]) func aJumpForwardsForgetsNothingEarly(_ jump: Int64) async throws {
    let fixture = try Fixture()
    let journal = fixture.journal
    _ = try await settled(journal, "before")
    fixture.jump(jump)
    _ = try await settled(journal, "after")
    #expect(try await journal.prune(olderThan: 48 * Self.hour) == 0)
    fixture.advance(47 * Self.hour)
    #expect(try await journal.prune(olderThan: 48 * Self.hour) == 0)
    // Kept for as long as promised, not for ever.
    fixture.advance(2 * Self.hour)
    _ = try await journal.prune(olderThan: 48 * Self.hour)
    fixture.advance(2 * Self.hour)
    _ = try await journal.prune(olderThan: 48 * Self.hour)
    #expect(try await journal.recent().isEmpty)
  }

  @Test func aJumpBackForgetsNothingEarlyAndNothingForEver() async throws {
    let fixture = try Fixture()
    let journal = fixture.journal
    _ = try await settled(journal, "before")
    fixture.jump(-Self.day)
    #expect(try await journal.prune(olderThan: 48 * Self.hour) == 0)
    fixture.advance(Self.hour)
    // By the wrong clock; then it is set right: this record looks a day older than it is.
    _ = try await settled(journal, "between")
    fixture.advance(Self.hour)
    _ = try await journal.prune(olderThan: 48 * Self.hour)
    fixture.jump(Self.day)
    fixture.advance(30 * Self.hour)
    #expect(try await journal.prune(olderThan: 48 * Self.hour) == 0)
    for _ in 0..<4 {
      fixture.advance(20 * Self.hour)
      _ = try await journal.prune(olderThan: 48 * Self.hour)
    }
    #expect(try await journal.recent().isEmpty)
  }

  @Test func gentleCorrectionIsNoJump() async throws {
    let fixture = try Fixture()
    let journal = fixture.journal
    _ = try await settled(journal, "one")
    for _ in 0..<100 {
      fixture.advance(30_000)
      fixture.jump(500)
      _ = try await journal.prune(olderThan: Self.hour)
    }
    fixture.advance(Self.hour)
    #expect(try await journal.prune(olderThan: Self.hour) == 1)
  }

  @Test func jobsAreKeptAndListedInTheOrderTheyCame() async throws {
    let fixture = try Fixture()
    let store = fixture.store(JobLimits())
    func run(_ title: String) async throws -> OperationID {
      let job = try await store.submit(
        JobRequest(kind: "alloc", storeid: "s1", title: title, owner: "root", paramsDigest: title)
      ) { _ in true }
      _ = try await store.wait(job.id, timeout: .seconds(30))
      return job.id
    }
    let first = try await run("first")
    fixture.jump(-Self.day)
    let second = try await run("second")
    fixture.jump(10 * Self.day)
    let third = try await run("third")
    #expect(try await store.list().map(\.id) == [third, second, first])
    #expect(try await store.list(before: third, limit: 1).map(\.id) == [second])
    #expect(try await store.list(before: second).map(\.id) == [first])
    #expect(try await store.prune() == 0, "ten days by the wall clock, none that passed")
    fixture.advance(8 * Self.day)
    _ = try await store.prune()
    fixture.advance(8 * Self.day)
    _ = try await store.prune()
    #expect(try await store.list().isEmpty)
  }

  @Test func theBoundOnJobsTakesTheOldestNotThoseOfAnEarlierClock() async throws {
    let fixture = try Fixture()
    var limits = JobLimits()
    limits.finished = 1
    let store = fixture.store(limits)
    var last: OperationID?
    for title in ["first", "second"] {
      let job = try await store.submit(
        JobRequest(kind: "alloc", storeid: "s1", title: title, owner: "root", paramsDigest: title)
      ) { _ in true }
      _ = try await store.wait(job.id, timeout: .seconds(30))
      last = job.id
      fixture.jump(-Self.day)
    }
    #expect(try await store.prune() == 1)
    #expect(try await store.list().map(\.id) == [last])
  }
}
