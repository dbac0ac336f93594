// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Jobs
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import StorageHost

/// The wall clock is set by a day while the host works: what is measured stays as it is.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct ClockJumpTests {
  static let day: Int64 = 86_400_000

  final class WallClock: Sendable {
    private let offset = Atomic<Int64>(0)
    func jump(_ milliseconds: Int64) { offset.add(milliseconds, ordering: .relaxed) }
    var now: @Sendable () -> Int64 { { Clock.milliseconds() + self.offset.load(ordering: .relaxed) } }
  }

  private func run(_ body: (HostFixture, StorageHost, WallClock) async throws -> Void) async throws {
    let fixture = try HostFixture()
    let clock = WallClock()
    var settings = fixture.settings
    settings.wallClock = clock.now
    settings.journalRetention = .seconds(3_600)
    let host = try await StorageHost.open(settings)
    do {
      try await fixture.add("s1", to: host)
      try await body(fixture, host, clock)
    } catch {
      await host.close(grace: .milliseconds(100))
      throw error
    }
    await host.close(grace: .milliseconds(100))
  }

  @Test(arguments: [day, -day]) func nothingUnderWayEndsEarlyOrLate(_ jump: Int64) async throws {
    try await run { fixture, host, clock in
      let caller = fixture.caller
      let volname = String(try await host.alloc("s1", vmid: 100, size: 65_536, caller).dropFirst(3))
      try fixture.order("volume_resize before wait")
      var keyed = caller
      keyed.idempotencyKey = "jumping"
      let first = keyed
      let operation = HostOperation.resize("s1", volname, size: 1 << 20)
      let job = try await host.start(operation, first)
      #expect(try await eventually { try fixture.waiting() == 1 })
      // Its lock is held, another one waits for it.
      async let later = host.resize("s1", volname, size: 3 << 20, caller)
      #expect(await eventually { await host.lockList().contains { !$0.waiters.isEmpty } })
      let before = try #require(await host.lockList().first { !$0.waiters.isEmpty })
      clock.jump(jump)
      await host.maintain()
      let after = try #require(await host.lockList().first { $0.name == before.name })
      #expect(after.holder?.token == before.holder?.token && after.waiters.count == 1)
      #expect((after.holder?.heldMs ?? -1) < 600_000, "measured, not read from the wall clock")
      #expect(abs((after.holder?.remainingMs ?? 0) - (before.holder?.remainingMs ?? 0)) < 600_000)
      #expect(try await host.job(job.id).state == .running)
      // The key still names this very job.
      #expect(try await host.start(operation, first).id == job.id)
      // A deadline of now is a deadline of now.
      var hasty = caller
      hasty.timeout = .milliseconds(100)
      let asker = hasty
      let late = await #expect(throws: StorageError.self) {
        _ = try await host.resize("s1", volname, size: 2 << 20, asker)
      }
      #expect(late?.outcome == .notStarted, "\(String(describing: late))")
      fixture.letGo()
      #expect(try await host.waitJob(job.id).state == .done)
      #expect(try await later == 3 << 20)
      try await fixture.expectSettled(host)
    }
  }

  @Test(arguments: [day, -day]) func firstResultsOutliveTheJump(_ jump: Int64) async throws {
    try await run { fixture, host, clock in
      var keyed = fixture.caller
      keyed.idempotencyKey = "once"
      let first = try await host.alloc("s1", vmid: 100, size: 65_536, keyed)
      let job = try await host.start(
        HostOperation.resize("s1", String(first.dropFirst(3)), size: 1 << 20), fixture.caller)
      _ = try await host.waitJob(job.id)
      clock.jump(jump)
      await host.maintain()
      #expect(try await host.alloc("s1", vmid: 100, size: 65_536, keyed) == first)
      #expect(try fixture.files().count == 1)
      #expect(try await host.job(job.id).state == .done)
      let status = try await host.status("s1", isFresh: true, fixture.caller)
      clock.jump(-2 * jump)
      let again = try await host.status("s1", isFresh: false, fixture.caller)
      #expect(status.isActive && again.isActive)
      #expect((again.ageMs ?? -1) >= 0 && (again.ageMs ?? .max) < 600_000, "\(again)")
    }
  }

  @Test func aCrashedPluginComesBackAfterItsPauseNotAfterADay() async throws {
    try await run { fixture, host, clock in
      try fixture.order("list_images before die")
      await #expect(throws: StorageError.self) { try await host.list("s1", fixture.caller) }
      clock.jump(-Self.day)
      #expect(await eventually { (try? await host.list("s1", fixture.caller)) != nil })
    }
  }
}
