// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A token bucket: bursts of at most `burst`, refilled at that many a second.
struct RateLimit: Sendable {
  private let burst: Double
  private var tokens: Double
  private var last: Int64

  /// - Parameter now: monotonic nanoseconds, here and below.
  init(perSecond burst: Int, now: Int64) {
    self.burst = Double(burst)
    tokens = Double(burst)
    last = now
  }

  /// Whether one more is allowed now; takes it if so.
  mutating func take(now: Int64) -> Bool {
    tokens = min(burst, tokens + Double(now - last) * 1e-9 * burst)
    last = now
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
