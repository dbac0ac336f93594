// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The right to read a connection, which one thread at a time has and nobody waits for: work for which the turn is taken
/// is left to whoever has it.
final class ReadingTurn: Sendable {
  typealias Job = @Sendable () -> Void

  private struct State {
    var isTaken = false
    var jobs: [Job] = []
  }

  private let state = Mutex(State())
  private let hasJobs = Atomic<Bool>(false)

  /// Takes the turn when it is free.
  func take() -> Bool {
    state.withLock { state in
      guard !state.isTaken else { return false }
      state.isTaken = true
      return true
    }
  }

  /// Does the job here and now, or leaves it to whoever has the turn, which may be a caller further up this stack.
  func run(_ job: @escaping Job) {
    let takes = state.withLock { state in
      guard !state.isTaken else {
        state.jobs.append(job)
        hasJobs.store(true, ordering: .releasing)
        return false
      }
      state.isTaken = true
      return true
    }
    guard takes else { return }
    job()
    give()
  }

  /// Does what has been left meanwhile and keeps the turn; false when there was nothing.
  @discardableResult
  func catchUp() -> Bool {
    guard hasJobs.load(ordering: .acquiring) else { return false }
    let jobs = state.withLock { state in
      hasJobs.store(false, ordering: .relaxed)
      defer { state.jobs = [] }
      return state.jobs
    }
    for job in jobs { job() }
    return true
  }

  /// Does what has been left meanwhile and gives the turn back.
  func give() {
    while true {
      let isGiven = state.withLock { state in
        guard state.jobs.isEmpty else { return false }
        state.isTaken = false
        return true
      }
      if isGiven { return }
      catchUp()
    }
  }
}
