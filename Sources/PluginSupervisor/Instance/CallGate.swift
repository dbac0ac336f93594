// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Lets as many calls through to a plugin as it takes at once; the others wait in the order they came.
///
/// A call belongs to a lane: all calls share one for a serial plugin, each volume has its own for a per-volume one. One
/// call a lane runs at a time, and never more than `limit` altogether. Entering a free gate costs one lock, no hop.
final class CallGate: Sendable {
  /// What a call needs to be alone in; nil: nothing.
  typealias Lane = String

  enum Refusal: Error, Sendable {
    /// Too many calls wait already.
    case full(waiting: Int)
    /// The wait was cancelled.
    case cancelled
    /// The time was up before it was this call's turn.
    case timeout
  }

  private struct Waiter {
    var ticket: UInt64
    var lane: Lane?
    var continuation: CheckedContinuation<Refusal?, Never>
  }

  private struct State {
    var busy: Set<Lane> = []
    var running = 0
    var limit: Int
    var waiting: [Waiter] = []
    var nextTicket: UInt64 = 1
    /// Waits that were cancelled before they had begun.
    var cancelledEarly: Set<UInt64> = []
  }

  private let capacity: Int
  private let state: Mutex<State>

  /// - Parameters:
  ///   - limit: calls at once.
  ///   - capacity: calls that may wait.
  init(limit: Int, capacity: Int = 256) {
    self.capacity = capacity
    state = Mutex(State(limit: max(limit, 1)))
  }

  /// Calls running and waiting.
  var load: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

  /// Changes how many run at once; the plugin says it in the handshake.
  func setLimit(_ limit: Int) {
    let admitted = state.withLock { state in
      state.limit = max(limit, 1)
      return Self.admit(&state)
    }
    for waiter in admitted { waiter.continuation.resume(returning: nil) }
  }

  /// Enters at once when nothing stands in the way and nobody waits for the same.
  func tryEnter(_ lane: Lane?) -> Bool {
    state.withLock { state in
      guard Self.canEnterNow(lane, state) else { return false }
      Self.take(lane, &state)
      return true
    }
  }

  /// Enters, or waits for its turn; `until` is when waiting makes no sense any more.
  func enter(_ lane: Lane?, until deadline: ContinuousClock.Instant) async throws(Refusal) {
    if tryEnter(lane) { return }
    let ticket = state.withLock { state in
      defer { state.nextTicket += 1 }
      return state.nextTicket
    }
    // The timer's task only withdraws this one ticket; whoever got through has none any more.
    let timer = Task { [weak self] in
      try? await Task.sleep(until: deadline, clock: .continuous)
      if !Task.isCancelled { self?.withdraw(ticket, .timeout) }
    }
    defer { timer.cancel() }
    let refusal = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Refusal?, Never>) in
        let answer: Refusal?? = state.withLock { state in
          if state.cancelledEarly.remove(ticket) != nil { return .some(.cancelled) }
          if Self.canEnterNow(lane, state) {
            Self.take(lane, &state)
            return .some(nil)
          }
          if state.waiting.count >= capacity { return .some(.full(waiting: state.waiting.count)) }
          state.waiting.append(Waiter(ticket: ticket, lane: lane, continuation: continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      withdraw(ticket, .cancelled)
    }
    _ = state.withLock { $0.cancelledEarly.remove(ticket) }
    if let refusal { throw refusal }
  }

  /// Leaves; whoever waits and fits now goes through, in order.
  func leave(_ lane: Lane?) {
    let admitted = state.withLock { state -> [Waiter] in
      if let lane { state.busy.remove(lane) }
      state.running -= 1
      if state.waiting.isEmpty { return [] }
      return Self.admit(&state)
    }
    for waiter in admitted { waiter.continuation.resume(returning: nil) }
  }

  // MARK: Parts

  private func withdraw(_ ticket: UInt64, _ refusal: Refusal) {
    let waiter: Waiter? = state.withLock { state in
      guard let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) else {
        if case .cancelled = refusal { state.cancelledEarly.insert(ticket) }
        return nil
      }
      return state.waiting.remove(at: place)
    }
    waiter?.continuation.resume(returning: refusal)
  }

  private static func isFree(_ lane: Lane?, _ state: borrowing State) -> Bool {
    state.running < state.limit && (lane.map { !state.busy.contains($0) } ?? true)
  }

  /// Free, and nobody in front waits for the same lane.
  private static func canEnterNow(_ lane: Lane?, _ state: borrowing State) -> Bool {
    isFree(lane, state) && !state.waiting.contains { $0.lane == lane }
  }

  private static func take(_ lane: Lane?, _ state: inout State) {
    if let lane { state.busy.insert(lane) }
    state.running += 1
  }

  private static func admit(_ state: inout State) -> [Waiter] {
    var admitted: [Waiter] = []
    var place = 0
    while place < state.waiting.count, state.running < state.limit {
      let waiter = state.waiting[place]
      if isFree(waiter.lane, state) {
        take(waiter.lane, &state)
        admitted.append(state.waiting.remove(at: place))
      } else {
        place += 1
      }
    }
    return admitted
  }
}
