// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Timers by deadline: a binary heap of numbers, the bodies beside it; cancelled ones are swept when they are many.
struct TimerQueue: Sendable {
  typealias Body = @Sendable () -> Void

  private struct Entry: Sendable {
    var deadline: Int64
    var id: UInt64
  }

  private var heap: [Entry] = []
  private var bodies: [UInt64: Body] = [:]
  private var nextID: UInt64 = 1

  /// How many timers are set.
  var count: Int { bodies.count }

  /// Sets a timer and returns its number, used once.
  mutating func add(at deadline: Int64, _ body: @escaping Body) -> UInt64 {
    let id = nextID
    nextID += 1
    bodies[id] = body
    push(Entry(deadline: deadline, id: id))
    return id
  }

  mutating func remove(_ id: UInt64) {
    bodies[id] = nil
    if heap.count > 64, heap.count > 2 * bodies.count { sweep() }
  }

  /// The earliest deadline, `MonotonicTime.never` without timers.
  var earliest: Int64 {
    mutating get {
      while let top = heap.first, bodies[top.id] == nil { pop() }
      return heap.first?.deadline ?? MonotonicTime.never
    }
  }

  /// The next timer that is due, taken out.
  mutating func takeDue(now: Int64) -> Body? {
    while let top = heap.first, top.deadline <= now {
      pop()
      if let body = bodies.removeValue(forKey: top.id) { return body }
    }
    return nil
  }

  private mutating func sweep() {
    let live = heap.filter { bodies[$0.id] != nil }
    heap.removeAll(keepingCapacity: true)
    for entry in live { push(entry) }
  }

  private mutating func push(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].deadline < heap[parent].deadline else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func pop() {
    guard let last = heap.popLast(), !heap.isEmpty else { return }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].deadline < heap[least].deadline { least = child }
      }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
