// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The tokens that may be handed out: all below a bound that is on the disk already.
struct TokenRange: Sendable {
  private(set) var next: UInt64
  /// The first token that must not be handed out yet. On the disk.
  private(set) var bound: UInt64

  init(next: UInt64, bound: UInt64) {
    self.next = next
    self.bound = bound
  }

  var remaining: UInt64 { bound - next }

  /// `nil` when the range is used up.
  mutating func take() -> FencingToken? {
    guard next < bound else { return nil }
    defer { next += 1 }
    return FencingToken(rawValue: next)
  }

  /// Adds what has become durable.
  mutating func extend(to bound: UInt64) {
    self.bound = max(self.bound, bound)
  }
}
