// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Lets so many lines a second into the log, with a burst, and counts the rest.
struct LineBudget {
  /// Lines a second in the long run.
  let perSecond: Int
  /// Lines at once after a quiet time.
  let burst: Int
  private var tokens: Double
  private var last: ContinuousClock.Instant
  /// Lines kept out since the last one let in.
  private(set) var suppressed = 0

  init(perSecond: Int = 50, burst: Int = 200, now: ContinuousClock.Instant = .now) {
    self.perSecond = perSecond
    self.burst = burst
    tokens = Double(burst)
    last = now
  }

  /// What to do with one more line.
  enum Verdict: Equatable {
    case pass
    /// Let in, after a note that so many were not.
    case passAfter(suppressed: Int)
    case suppress
  }

  mutating func admit(now: ContinuousClock.Instant = .now) -> Verdict {
    let elapsed = last.duration(to: now) / .seconds(1)
    tokens = min(Double(burst), tokens + elapsed * Double(perSecond))
    last = now
    guard tokens >= 1 else {
      suppressed += 1
      return .suppress
    }
    tokens -= 1
    if suppressed == 0 { return .pass }
    defer { suppressed = 0 }
    return .passAfter(suppressed: suppressed)
  }

  /// The lines not yet accounted for; call it at the end.
  mutating func settle() -> Int {
    defer { suppressed = 0 }
    return suppressed
  }
}
