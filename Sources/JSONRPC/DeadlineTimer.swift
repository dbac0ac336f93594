// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One timer for many deadlines: set for the earliest, and whoever it wakes says when the next one is.
///
/// A call with a later deadline costs one comparison. A deadline entered where the body looks *before* ``need(by:)`` is
/// called is never missed: either the body sees it, or the call sees that no timer is set.
final class DeadlineTimer: Sendable {
  private struct State {
    var timer: Reactor.Timer?
    var body: @Sendable () -> Void = {}
  }

  private let reactor: Reactor
  private let armed = Atomic<Int64>(MonotonicTime.never)
  private let state = Mutex(State())

  init(reactor: Reactor) { self.reactor = reactor }

  /// Sets what happens, on the I/O thread, when a deadline has passed.
  func connect(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.body = body } }

  /// Wakes the body at that time or earlier.
  func need(by deadline: Int64) {
    guard deadline < armed.load(ordering: .sequentiallyConsistent) else { return }
    state.withLock { state in
      guard deadline < armed.load(ordering: .relaxed) else { return }
      if let timer = state.timer { reactor.cancel(timer) }
      armed.store(deadline, ordering: .sequentiallyConsistent)
      state.timer = reactor.schedule(at: deadline) { [weak self] in self?.fire(deadline) }
    }
  }

  func cancel() {
    let timer = state.withLock { state in
      defer { state = State() }
      return state.timer
    }
    if let timer { reactor.cancel(timer) }
  }

  private func fire(_ deadline: Int64) {
    let body = state.withLock { state -> (@Sendable () -> Void)? in
      // A timer cancelled too late to stop it.
      guard armed.load(ordering: .relaxed) == deadline else { return nil }
      state.timer = nil
      armed.store(MonotonicTime.never, ordering: .sequentiallyConsistent)
      return state.body
    }
    body?()
  }
}
