// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Lets at most so many bytes a second pass, in bursts of no more than a tenth of a second's worth.
struct ByteRate {
  private let perSecond: Int64
  private let burst: Int64
  private var tokens: Int64
  private var last: ContinuousClock.Instant

  init(perSecond: Int64, now: ContinuousClock.Instant = .now) {
    self.perSecond = max(perSecond, 1)
    self.burst = max(self.perSecond / 10, 1)
    self.tokens = self.burst
    self.last = now
  }

  /// Bytes that may pass now; 0 means: ask again after `pause`.
  mutating func allowance(now: ContinuousClock.Instant = .now) -> Int {
    let elapsed = last.duration(to: now) / .seconds(1)
    let earned = Int64(elapsed * Double(perSecond))
    if earned > 0 {
      tokens = min(burst, tokens + earned)
      last = now
    }
    return Int(max(tokens, 0))
  }

  /// What the last `allowance` left.
  var remaining: Int { Int(max(tokens, 0)) }

  mutating func spent(_ bytes: Int) { tokens -= Int64(bytes) }

  /// Milliseconds until something may pass again.
  var pause: Int32 { Int32(clamping: max(1, min(100, 1000 / perSecond))) }
}
