// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Judges how old stored times are although the wall clock they were read from jumps.
///
/// It compares the wall clock with one that only runs on. A jump forwards makes records look older than they are; for
/// as long as it matters it is taken off again. What it did not see (the daemon did not run) it cannot know.
public final class RecordAge: Sendable {
  private struct State {
    var wall: Int64
    var steady: Int64
    /// Sudden changes of the wall clock, by the steady clock's time.
    var jumps: [(steady: Int64, amount: Int64)] = []
    var longest: Int64 = 0
  }

  /// What a clock that is being corrected gently may differ between two looks, in milliseconds.
  private static let tolerance: Int64 = 2_000

  private let wall: @Sendable () -> Int64
  private let steady: @Sendable () -> Int64
  private let state: Mutex<State>

  /// - Parameters:
  ///   - wall: milliseconds since the epoch, as they are stored.
  ///   - steady: milliseconds since any fixed moment, of a clock that nobody sets.
  public init(wall: @escaping @Sendable () -> Int64, steady: @escaping @Sendable () -> Int64 = Clock.steady) {
    self.wall = wall
    self.steady = steady
    state = Mutex(State(wall: wall(), steady: steady()))
  }

  /// The stored time before which everything is certainly older than `age`, in milliseconds.
  ///
  /// Ask often: a jump is seen only between two questions.
  public func limit(_ age: Int64) -> Int64 {
    state.withLock { state in
      let (wall, steady) = (wall(), steady())
      let jump = (wall - state.wall) - (steady - state.steady)
      state.wall = wall
      state.steady = steady
      if abs(jump) > Self.tolerance { state.jumps.append((steady, jump)) }
      state.longest = max(state.longest, age)
      // What was stored before an old jump is too old in any case.
      state.jumps.removeAll { steady - $0.steady > state.longest }
      // A record was stored before some of the jumps: the worst case of all counts.
      var (sum, worst): (Int64, Int64) = (0, 0)
      for jump in state.jumps.reversed() where steady - jump.steady <= age {
        sum += jump.amount
        worst = max(worst, sum)
      }
      return wall - age - worst
    }
  }
}
