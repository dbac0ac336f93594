// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import PluginSupervisor

@Suite(.timeLimit(.minutes(1))) struct CallGateTests {
  private let far = ContinuousClock.now + .seconds(60)

  /// Enters in the background; the order in which calls got through ends up in `order`.
  private func wait(_ gate: CallGate, _ name: String, _ lane: String?, _ order: Order) -> Task<Void, any Error> {
    let far = far
    return Task {
      try await gate.enter(lane, until: far)
      order.add(name)
    }
  }

  private final class Order: Sendable {
    private let names = Mutex<[String]>([])
    func add(_ name: String) { names.withLock { $0.append(name) } }
    var all: [String] { names.withLock { $0 } }
  }

  @Test func callsOfOneLaneGoOneByOneInOrder() async throws {
    let gate = CallGate(limit: 4)
    let order = Order()
    try await gate.enter("", until: far)
    var tasks: [Task<Void, any Error>] = []
    for name in ["a", "b", "c"] {
      tasks.append(wait(gate, name, "", order))
      #expect(await eventually { gate.load.waiting == tasks.count })
    }
    for expected in [["a"], ["a", "b"], ["a", "b", "c"]] {
      gate.leave("")
      #expect(await eventually { order.all == expected })
    }
    gate.leave("")
    #expect(gate.load == (0, 0))
    for task in tasks { try await task.value }
  }

  @Test func lanesDoNotWaitForEachOtherButForTheLimit() async throws {
    let gate = CallGate(limit: 2)
    #expect(gate.tryEnter("one"))
    #expect(gate.tryEnter("two"))
    #expect(!gate.tryEnter("one"))
    #expect(!gate.tryEnter("three"), "the limit is reached")
    let order = Order()
    let behind = wait(gate, "one again", "one", order)
    #expect(await eventually { gate.load.waiting == 1 })
    let third = wait(gate, "three", "three", order)
    #expect(await eventually { gate.load.waiting == 2 })
    gate.leave("two")
    #expect(await eventually { order.all == ["three"] }, "who is blocked in front blocks no other lane")
    gate.leave("one")
    #expect(await eventually { order.all == ["three", "one again"] })
    try await behind.value
    try await third.value
  }

  @Test func nobodyOvertakesInItsLane() async throws {
    let gate = CallGate(limit: 8)
    #expect(gate.tryEnter("x"))
    let order = Order()
    let first = wait(gate, "first", "x", order)
    #expect(await eventually { gate.load.waiting == 1 })
    #expect(!gate.tryEnter("x"))
    gate.leave("x")
    try await first.value
    #expect(order.all == ["first"])
  }

  @Test func tooManyWaitersAreRefused() async throws {
    let gate = CallGate(limit: 1, capacity: 1)
    #expect(gate.tryEnter(nil))
    let order = Order()
    let waiter = wait(gate, "waits", nil, order)
    #expect(await eventually { gate.load.waiting == 1 })
    await #expect {
      try await gate.enter(nil, until: far)
    } throws: { error in
      if case CallGate.Refusal.full(let waiting) = error { waiting == 1 } else { false }
    }
    gate.leave(nil)
    try await waiter.value
  }

  @Test func waitingEndsAtTheDeadlineAndByCancellation() async throws {
    let gate = CallGate(limit: 1)
    #expect(gate.tryEnter(nil))
    await #expect {
      try await gate.enter(nil, until: .now + .milliseconds(30))
    } throws: { error in
      if case CallGate.Refusal.timeout = error { true } else { false }
    }
    let task = wait(gate, "never", nil, Order())
    #expect(await eventually { gate.load.waiting == 1 })
    task.cancel()
    await #expect(throws: CallGate.Refusal.self) { try await task.value }
    #expect(gate.load == (1, 0))
    gate.leave(nil)
    #expect(gate.tryEnter(nil))
  }

  @Test func neverMoreThanTheLimitWhateverTheOrder() async {
    let gate = CallGate(limit: 3, capacity: 1000)
    let running = Running()
    let far = far
    await withTaskGroup(of: Void.self) { group in
      var generator = SeededGenerator(seed: 5)
      for _ in 0..<300 {
        let lane = "v\(Int.random(in: 0..<5, using: &generator))"
        group.addTask {
          do throws(CallGate.Refusal) { try await gate.enter(lane, until: far) } catch { return }
          running.enter(lane)
          await Task.yield()
          running.leave(lane)
          gate.leave(lane)
        }
      }
    }
    #expect(running.state.withLock { $0.now } == 0)
    #expect(running.state.withLock { $0.most } <= 3)
    #expect(!running.state.withLock { $0.laneTwice })
    #expect(gate.load == (0, 0))
  }
}

private final class Running: Sendable {
  struct State {
    var now = 0
    var most = 0
    var laneTwice = false
    var lanes: Set<String> = []
  }

  let state = Mutex(State())

  func enter(_ lane: String) {
    state.withLock { state in
      state.now += 1
      state.most = max(state.most, state.now)
      if !state.lanes.insert(lane).inserted { state.laneTwice = true }
    }
  }

  func leave(_ lane: String) {
    state.withLock { state in
      state.now -= 1
      state.lanes.remove(lane)
    }
  }
}
