// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import ClusterLocks
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct EmbeddedLocksTests {
  @Test func `sixty-four waiters are served in order`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      let first = try await locks.acquire(.test(.storage("a")))
      let served = Recorder()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<64 {
          group.addTask {
            let lease = try await locks.acquire(.test(.storage("a"), owner: "waiter \(index)"))
            served.append(index)
            await locks.release(lease)
          }
          // Each is seen in the queue before the next one comes: a task's start has no order of its own.
          await eventually { await locks.list().first?.waiters.count == index + 1 }
        }
        let status = try #require(await locks.list().first)
        #expect(status.waiters.map(\.owner) == (0..<64).map { "waiter \($0)" })
        await locks.release(first)
        try await group.waitForAll()
      }
      #expect(served.values == Array(0..<64))
      #expect(await locks.list().isEmpty)
    }
  }

  @Test func `a cancelled waiter leaves the queue`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      let first = try await locks.acquire(.test(.config))
      let waiter = Task { try await locks.acquire(.test(.config)) }
      await eventually { await locks.list().first?.waiters.count == 1 }
      waiter.cancel()
      await #expect { try await waiter.value } throws: { ($0 as? LockError)?.code == .cancelled }
      #expect(await locks.list().first?.waiters.isEmpty == true)
      await locks.release(first)
      #expect(await locks.list().isEmpty)
    }
  }

  @Test func `a task cancelled before it asks never holds up the queue`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      let first = try await locks.acquire(.test(.config))
      let waiter = Task {
        while !Task.isCancelled { await Task.yield() }
        return try await locks.acquire(.test(.config))
      }
      waiter.cancel()
      await #expect(throws: LockError.self) { try await waiter.value }
      #expect(await locks.list().first?.waiters.isEmpty == true)
      await locks.release(first)
    }
  }

  @Test func `tokens grow across restarts and names`() async throws {
    try await withDirectory { directory in
      var last = FencingToken(rawValue: 0)
      for _ in 0..<3 {
        let locks = try EmbeddedLocks(directory: directory)
        for name in [LockName.config, .storage("a"), .volume("a", "100/x"), .config] {
          let lease = try await locks.acquire(.test(name))
          #expect(lease.token > last)
          last = lease.token
          await locks.release(lease)
        }
      }
    }
  }

  @Test func `releasing twice does not take the next holder's lock`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      let first = try await locks.acquire(.test(.config))
      await locks.release(first)
      let second = try await locks.acquire(.test(.config))
      await locks.release(first)
      #expect(await locks.list().first?.holder?.token == second.token)
      await #expect { try await locks.renew(first) } throws: { ($0 as? LockError)?.code == .lost }
      try await locks.renew(second)
      await locks.release(second)
    }
  }

  @Test func `a held lock with no time to wait fails at once and names the holder`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      let lease = try await locks.acquire(.test(.storage("nas"), owner: "job 7"))
      let error = await #expect(throws: LockError.self) {
        try await locks.acquire(.test(.storage("nas"), timeout: .zero))
      }
      #expect(error?.code == .timeout)
      #expect(error?.message.contains("job 7") == true)
      await locks.release(lease)
    }
  }

  @Test func `a waiter gives up at its deadline`() async throws {
    try await withDirectory { directory in
      let clock = ManualClock()
      let locks = try EmbeddedLocks(directory: directory, clock: clock)
      let lease = try await locks.acquire(.test(.config))
      let waiter = Task { try await locks.acquire(.test(.config, timeout: .seconds(10))) }
      await eventually { await locks.list().first?.waiters.count == 1 }
      clock.advance(by: .seconds(9))
      #expect(await locks.list().first?.waiters.first?.remaining == .seconds(1))
      await eventually {
        clock.advance(by: .seconds(1))
        return await locks.list().first?.waiters.isEmpty == true
      }
      await #expect { try await waiter.value } throws: { ($0 as? LockError)?.code == .timeout }
      await locks.release(lease)
    }
  }

  @Test func `a lock whose holder is out of time passes on only when the holder is dead`() async throws {
    try await withDirectory { directory in
      let clock = ManualClock()
      let locks = try EmbeddedLocks(directory: directory, clock: clock)
      let (asked, ask) = AsyncStream.makeStream(of: Void.self)
      let (verdict, decide) = AsyncStream.makeStream(of: HolderFate.self)
      let first = try await locks.acquire(
        .test(.config, ttl: .seconds(30)) { _ in
          ask.yield()
          for await fate in verdict { return fate }
          return .unkillable(reason: "no verdict")
        })
      let waiter = Task { try await locks.acquire(.test(.config, timeout: .seconds(360_000))) }
      await eventually { await locks.list().first?.waiters.count == 1 }
      await eventually {
        clock.advance(by: .seconds(31))
        return await locks.list().first?.holder?.state == .reclaiming
      }
      for await _ in asked { break }
      #expect(await locks.list().first?.waiters.count == 1)
      await #expect { try await locks.renew(first) } throws: { ($0 as? LockError)?.code == .lost }
      decide.yield(.verifiedDead)
      let second = try await waiter.value
      #expect(second.token > first.token)
      await locks.release(first)
      #expect(await locks.list().first?.holder?.token == second.token)
      await locks.release(second)
    }
  }

  @Test func `a holder that cannot be killed keeps its lock until it is gone`() async throws {
    try await withDirectory { directory in
      let clock = ManualClock()
      let locks = try EmbeddedLocks(directory: directory, clock: clock) { _ in .unkillable(reason: "in state D") }
      let first = try await locks.acquire(.test(.storage("nfs"), ttl: .seconds(1)))
      await eventually {
        clock.advance(by: .seconds(2))
        return await locks.list().first?.holder?.state == .heldByUnkillable(reason: "in state D")
      }
      #expect(await locks.list().first?.holder?.state.name == "held-by-unkillable")
      await #expect(throws: LockError.self) { try await locks.acquire(.test(.storage("nfs"), timeout: .zero)) }
      await locks.confirmDead(first)
      let second = try await locks.acquire(.test(.storage("nfs"), timeout: .zero))
      await locks.release(second)
    }
  }

  @Test func `renewing keeps a lease alive`() async throws {
    try await withDirectory { directory in
      let clock = ManualClock()
      let locks = try EmbeddedLocks(directory: directory, clock: clock)
      let lease = try await locks.acquire(.test(.config, ttl: .seconds(10)))
      clock.advance(by: .seconds(9))
      try await locks.renew(lease)
      #expect(await locks.list().first?.holder?.remaining == .seconds(10))
      await locks.release(lease)
    }
  }

  @Test func `two callers that want two locks in opposite order never block each other`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      let names: [LockName] = [.volume("b", "1/x"), .storage("a"), .config, .volume("a", "1/x"), .storage("a")]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for round in 0..<50 {
          group.addTask {
            let leases = try await locks.acquireAll(
              round.isMultiple(of: 2) ? names : names.reversed(), as: .test(.config))
            #expect(leases.map(\.name.description) == ["config", "storage/a", "volume/a:1/x", "volume/b:1/x"])
            await Task.yield()
            await locks.releaseAll(leases)
          }
        }
        try await group.waitForAll()
      }
      #expect(await locks.list().isEmpty)
    }
  }

  @Test func `closing fails the waiters`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      _ = try await locks.acquire(.test(.config))
      let waiter = Task { try await locks.acquire(.test(.config)) }
      await eventually { await locks.list().first?.waiters.count == 1 }
      locks.close()
      await #expect { try await waiter.value } throws: { ($0 as? LockError)?.code == .closed }
      await #expect { try await locks.acquire(.test(.config)) } throws: { ($0 as? LockError)?.code == .closed }
    }
  }
}
