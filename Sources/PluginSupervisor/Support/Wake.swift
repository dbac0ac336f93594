// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc

/// Interrupts a thread that waits in `poll`: any thread or task may `signal`, the one owner `drain`s.
final class Wake: Sendable {
  private let descriptor: Descriptor

  /// nil when the system has no descriptor left.
  init?() {
    let fd = berth_eventfd_create()
    if fd < 0 { return nil }
    descriptor = Descriptor(fd)
  }

  var raw: Int32 { descriptor.raw }

  func signal() {
    // Fails only when the counter is full, and then the thread is awake already.
    _ = berth_eventfd_signal(descriptor.raw)
  }

  func drain() {
    _ = berth_eventfd_drain(descriptor.raw)
  }
}

/// What `poll` said about a descriptor beside a wake.
struct Readiness {
  var events: Int16
  var woken: Bool
  var timedOut: Bool { events == 0 && !woken }

  /// A duration as `poll` wants it: at least 1, at most a minute.
  static func milliseconds(_ limit: Duration) -> Int32 {
    Int32(max(1, min((limit / .milliseconds(1)).rounded(.up), 60_000)))
  }

  /// Waits until `descriptor` (none: -1) has one of `events`, the wake is signalled, or the time is up.
  ///
  /// - Parameter milliseconds: -1 waits without end.
  static func wait(_ descriptor: Int32, _ events: Int32, wake: Wake, milliseconds: Int32) -> Readiness {
    var watched = (
      pollfd(fd: descriptor, events: Int16(events), revents: 0), pollfd(fd: wake.raw, events: Int16(POLLIN), revents: 0)
    )
    let count = withUnsafeMutablePointer(to: &watched) { pair in
      pair.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, milliseconds) }
    }
    // An interrupted wait counts as a wake: the caller looks at its orders and waits again.
    if count < 0 { return Readiness(events: 0, woken: true) }
    let woken = watched.1.revents != 0
    if woken { wake.drain() }
    return Readiness(events: watched.0.revents, woken: woken)
  }
}
