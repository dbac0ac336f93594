// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Whether a call should wait for its answer itself, and how, learnt from how quickly answers have come.
///
/// Quick answers, in whatever way they were waited for, earn the right to wait; one that does not come in time costs it
/// until a number of quick ones in a row, doubled each time it happens, have earned it again. So a slow side costs one
/// such wait in many calls.
final class PollingHabit: Sendable {
  /// How to wait.
  enum Way: Sendable {
    /// Suspend; the I/O thread reads.
    case suspend
    /// Sleep for the answer in poll(2).
    case sleep
    /// Read again and again for a moment, then sleep.
    case spin
  }

  /// An answer is quick that comes within this time, in ns.
  static let quick: Int64 = 300_000
  /// Reading again and again takes at most this long, in ns.
  static let spinLimit: Int64 = 20_000
  /// Reading again and again may be of no use for this long at a stretch, in ns: two ticks of the kernel, in which its
  /// balancer finds that the other side waits for our processor and moves one of us.
  private static let spinBudget: Int64 = 10_000_000
  /// One part in so many of the time that passes is added to what is left of the budget.
  private static let spinShare: Int64 = 16
  private static let mostCredit = 16
  private static let firstPenalty = 8
  private static let mostPenalty = 1024

  private struct State {
    /// Waiting is allowed while it is above zero.
    var credit = 0
    var penalty = PollingHabit.firstPenalty
    /// What is left of the budget, and since when time has not been added to it.
    var spinBudget = PollingHabit.spinBudget
    var budgetedAt: Int64 = 0
  }

  private let state = Mutex(State())

  /// How to wait this time.
  func choose(now: Int64) -> Way {
    state.withLock { state in
      guard state.credit > 0 else { return .suspend }
      let earned = (now &- state.budgetedAt) / Self.spinShare
      state.spinBudget = min(state.spinBudget + min(earned, Self.spinBudget), Self.spinBudget)
      state.budgetedAt = now
      return state.spinBudget > 0 ? .spin : .sleep
    }
  }

  /// An answer came after that time, in ns.
  func note(answerAfter time: Int64) {
    state.withLock { state in
      guard time < Self.quick else { return }
      guard state.credit < Self.mostCredit else { return state.penalty = Self.firstPenalty }
      state.credit += 1
    }
  }

  /// Spinning took that time, in ns, and brought no answer, or not within its limit.
  func note(vainSpin time: Int64) { state.withLock { $0.spinBudget -= time } }

  /// The answer did not come while it was waited for.
  func miss() {
    state.withLock { state in
      state.credit = -state.penalty
      state.penalty = min(2 * state.penalty, Self.mostPenalty)
    }
  }
}
