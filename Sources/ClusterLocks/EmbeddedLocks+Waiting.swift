// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

private import Synchronization

extension EmbeddedLocks {
  /// Waits for a queued ticket's outcome. A cancelled task's ticket leaves the queue.
  func wait(_ ticket: UInt64, _ name: LockName) async -> Outcome {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let outcome = state.withLock { state -> Outcome? in
          if let outcome = state.early.removeValue(forKey: ticket) { return outcome }
          state.parked[ticket] = continuation
          return nil
        }
        if let outcome { continuation.resume(returning: outcome) }
      }
    } onCancel: {
      perform { state, _, _ in state.table.cancel(ticket: ticket, name: name).map { [$0] } ?? [] }
    }
  }

  /// Sees to it that deadlines are looked at while anything is held or waited for.
  func startTicking(_ state: inout State) {
    guard !state.isTicking else { return }
    state.isTicking = true
    state.idleTicks = 0
    Task { [weak self, time] in
      while true {
        do {
          try await time.sleep(EmbeddedLocks.resolution)
        } catch {
          // Only cancellation ends a sleep, and nobody cancels this task; look at the deadlines all the same.
        }
        guard let self, self.tick() else { return }
      }
    }
  }

  /// Looks at the deadlines. Returns whether to go on: not after a second in which nothing was held.
  private func tick() -> Bool {
    performReturning { state, now, _ in
      let effects = state.table.tick(now: now)
      state.idleTicks = state.table.isEmpty ? state.idleTicks + 1 : 0
      if state.idleTicks > 20 {
        state.isTicking = false
        return (effects, false)
      }
      return (effects, true)
    }
  }
}
