// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

private import Glibc

/// A clock of any kind, reduced to what locks need: time since the start, and sleep.
struct LockTime: Sendable {
  let now: @Sendable () -> Duration
  let sleep: @Sendable (Duration) async throws -> Void

  init(_ clock: some Clock<Duration>) {
    let start = clock.now
    now = { start.duration(to: clock.now) }
    sleep = { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
  }

  /// Milliseconds since the epoch, for people to read; never used to decide anything.
  static func wallMs() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
