// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Synchronization

/// Sends the progress of one incoming request until it is answered.
final class ProgressReporter: Sendable {
  private struct State {
    var sequence: Int64 = 0
    var done: Int64 = -1
    var rate: RateLimit
    var isSettled = false
  }

  private let id: Int64
  private let send: @Sendable (_ method: String, _ progress: ProgressReport?, _ sequence: Int64) -> Void
  private let state: Mutex<State>

  init(
    id: Int64, send: @escaping @Sendable (_ method: String, _ progress: ProgressReport?, _ sequence: Int64) -> Void
  ) {
    self.id = id
    self.send = send
    state = Mutex(State(rate: RateLimit(perSecond: 5, now: berth_monotonic_ns())))
  }

  func report(_ progress: ProgressReport) {
    // The lock is held over the send so that none can follow the answer; only this request's own work waits for it.
    state.withLock { state in
      guard !state.isSettled, progress.done >= state.done, state.rate.take(now: berth_monotonic_ns()) else { return }
      state.done = progress.done
      state.sequence += 1
      send(ReservedMethod.progress, progress, state.sequence)
    }
  }

  func heartbeat() {
    state.withLock { state in
      guard !state.isSettled, state.rate.take(now: berth_monotonic_ns()) else { return }
      send(ReservedMethod.heartbeat, nil, 0)
    }
  }

  /// Nothing is sent from now on.
  func settle() { state.withLock { $0.isSettled = true } }
}
