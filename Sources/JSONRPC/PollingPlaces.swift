// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// How many threads may wait for answers at once: half the processors, so that tasks and plugins find one to run on.
final class PollingPlaces: Sendable {
  private let free: Atomic<Int>

  init() { free = Atomic(sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2) }

  /// Takes a place, if there is one; to be given back.
  func take() -> Bool {
    if free.subtract(1, ordering: .acquiring).oldValue > 0 { return true }
    give()
    return false
  }

  func give() { free.add(1, ordering: .releasing) }
}
