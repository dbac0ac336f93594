// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// When the plugin last showed that it works on a streaming call (`$/progress`, `$/heartbeat`): such a plugin may let
/// its stream stand still for longer than the stall limit.
public final class SignsOfLife: Sendable {
  private let last = Mutex<ContinuousClock.Instant?>(nil)

  public init() {}

  /// There was one now.
  public func note() { last.withLock { $0 = .now } }

  /// The later of that moment and the last sign.
  func latest(since moment: ContinuousClock.Instant) -> ContinuousClock.Instant {
    last.withLock { max(moment, $0 ?? moment) }
  }
}
