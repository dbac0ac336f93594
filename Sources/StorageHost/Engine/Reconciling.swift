// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The storages that are being asked, beside everything else, what became of their operations.
final class Reconciling: Sendable {
  private let storages = Mutex<Set<String>>([])
  private let uses = VolumeReaders()

  /// - Returns: whether it begins now; false while it is under way already.
  func begin(_ storeid: String) -> Bool {
    guard storages.withLock({ $0.insert(storeid).inserted }) else { return false }
    uses.begin(storeid, "")
    return true
  }

  func end(_ storeid: String) {
    storages.withLock { _ = $0.remove(storeid) }
    uses.end(storeid, "")
  }

  var all: Set<String> { storages.withLock { $0 } }

  /// Waits until the storage was asked.
  func ended(_ storeid: String, within time: Duration) async -> Bool {
    await uses.drained(storeid, "", within: time)
  }
}
