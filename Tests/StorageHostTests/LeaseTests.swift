// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import ClusterLocks
import JSON
import StorageProtocol
import TestSupport
import Testing

@testable import StorageHost

private let disk = "100/vm-100-disk-0.raw"

/// The time and the end of the locks that operations hold.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct LeaseTests {
  @Test func theTimeTheHostChoosesInIsNotTheWorks() async throws {
    let fixture = try HostFixture()
    let clock = ManualClock()
    var settings = fixture.settings
    settings.makeLocks = { (directory) throws(LockError) in try EmbeddedLocks(directory: directory, clock: clock) }
    let host = try await StorageHost.open(settings)
    do {
      try await fixture.add("s1", to: host)
      // A lease of an alloc lasts two minutes: its minute and one for the host.
      try fixture.order("list_images before wait\nalloc_image before wait2")
      async let made = host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      let before = try #require(await host.lockList().first { $0.name == "storage/s1" })
      clock.advance(by: .seconds(100))
      fixture.letGo()
      #expect(try await eventually { try fixture.waiting() == 2 })
      clock.advance(by: .seconds(100))
      try await Task.sleep(for: .milliseconds(300))
      let after = await host.lockList().first { $0.name == "storage/s1" }
      #expect(after?.holder?.state == "held", "\(String(describing: after))")
      #expect(after?.holder?.token == before.holder?.token)
      fixture.letGo(round: "2")
      #expect(try await made == "s1:\(disk)")
    } catch {
      fixture.letGo(round: "2")
      await host.close(grace: .milliseconds(100))
      throw error
    }
    await host.close(grace: .milliseconds(100))
  }

  @Test func locksOfAPluginThatCannotBeEndedStay() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      let mutation = Mutation(method: "volume_export", request: [:], volumes: [disk], needsStorageLock: false)
      let stuck = StorageError(.pluginUnreapable, "it hangs", outcome: .unknown)
      let leases = try await host.lock(mutation, on: "s1", fixture.caller)
      await host.giveBack(leases, after: stuck)
      #expect(await host.lockList().count == 1)
      // One that was never asked holds nothing.
      for error in [StorageError(.pluginUnreapable, "not asked", outcome: .notStarted), nil] {
        await host.giveBack(leases, after: error)
        #expect(await host.lockList().isEmpty)
      }
    }
  }
}
