// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import JSONRPC

@Suite("The I/O thread", .timeLimit(.minutes(1)))
struct ReactorTests {
  @Test("timers fire in the order of their times, cancelled ones never")
  func timers() async throws {
    let reactor = try Reactor()
    let fired = Mutex<[Int]>([])
    let start = MonotonicTime.now
    for number in [5, 1, 4, 2, 3] {
      _ = reactor.schedule(at: start + Int64(number) * 2_000_000) { fired.withLock { $0.append(number) } }
    }
    let cancelled = reactor.schedule(at: start + 3_000_000) { fired.withLock { $0.append(99) } }
    reactor.cancel(cancelled)
    #expect(await eventually { fired.withLock { $0.count } >= 5 })
    #expect(fired.withLock { $0 } == [1, 2, 3, 4, 5])
  }

  @Test("jobs run in order, on the I/O thread, and after a shutdown at once")
  func jobs() async throws {
    let reactor = try Reactor()
    let seen = Mutex<[Int]>([])
    for number in 0..<100 {
      reactor.execute {
        #expect(reactor.isCurrent)
        seen.withLock { $0.append(number) }
      }
    }
    #expect(await eventually { seen.withLock { $0.count } == 100 })
    #expect(seen.withLock { $0 } == Array(0..<100))
    await reactor.shutdown()
    reactor.execute { seen.withLock { $0.append(100) } }
    #expect(seen.withLock { $0.last } == 100)
    await reactor.shutdown()
  }

  @Test("a process's end is told once, with its descriptor still ours")
  func watchExit() async throws {
    let reactor = try Reactor()
    let child = ChildProcess("python3", "-c", "import sys; sys.exit(7)")
    let status = await withCheckedContinuation { continuation in
      do {
        _ = try reactor.watchExit(pidfd: child.pidfd) {
          var end = berth_exit()
          _ = berth_pidfd_reap(child.pidfd, &end)
          continuation.resume(returning: end.code)
        }
      } catch {
        continuation.resume(returning: -1)
      }
    }
    #expect(status == 7)
  }

  @Test("a deregistered descriptor is told nothing any more, though its number is used again")
  func deregister() async throws {
    let reactor = try Reactor()
    for _ in 0..<200 {
      let pipe = Pipe()
      let told = Counter()
      let registration = try reactor.register(pipe.reading, for: .readable) { _, _ in told.add() }
      await withCheckedContinuation { continuation in
        reactor.deregister(registration) { continuation.resume() }
      }
      var byte: UInt8 = 1
      _ = berth_write(pipe.writing, &byte, 1)
      await withCheckedContinuation { continuation in reactor.execute { continuation.resume() } }
      #expect(told.value == 0)
      close(pipe.reading)
      close(pipe.writing)
    }
  }

  @Test("a regular file cannot be watched, and the error says so")
  func regularFile() throws {
    let reactor = try Reactor()
    let directory = TemporaryDirectory()
    let file = open(directory.write("file", "x"), O_RDONLY)
    defer { close(file) }
    let error = #expect(throws: ReactorError.self) { try reactor.register(file, for: .readable) { _, _ in } }
    #expect(error?.errno == EPERM)
  }

  @Test("shutting down tells every registration and refuses new ones")
  func shutdown() async throws {
    let reactor = try Reactor()
    let pipe = Pipe()
    let told = Counter()
    _ = try reactor.register(pipe.reading, for: .readable) { _, events in
      if events.contains(.shutdown) { told.add() }
    }
    await reactor.shutdown()
    #expect(told.value == 1)
    #expect(throws: ReactorError.self) { try reactor.register(pipe.reading, for: .readable) { _, _ in } }
    close(pipe.reading)
    close(pipe.writing)
  }

  @Test("the timer queue gives what is due in order, whatever was added and removed", arguments: Fuzz.seeds(20))
  func timerQueue(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var queue = TimerQueue()
    var wanted: [UInt64: Int64] = [:]
    for _ in 0..<500 {
      if generator.oneIn(3), let id = wanted.keys.randomElement(using: &generator) {
        queue.remove(id)
        wanted[id] = nil
      } else {
        let deadline = Int64.random(in: 0..<1000, using: &generator)
        wanted[queue.add(at: deadline) {}] = deadline
      }
      #expect(queue.earliest == wanted.values.min() ?? MonotonicTime.never)
    }
    #expect(queue.count == wanted.count)
    for now in stride(from: Int64(0), through: 1000, by: 50) {
      var due = 0
      while queue.takeDue(now: now) != nil { due += 1 }
      #expect(due == wanted.values.filter { $0 <= now }.count)
      wanted = wanted.filter { $0.value > now }
    }
    #expect(queue.count == 0)
  }
}
