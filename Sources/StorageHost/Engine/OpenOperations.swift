// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Jobs
internal import Synchronization

/// Operations nobody knows the end of yet, with the volumes they concern: whoever wants one of these waits until it is
/// settled, for settling may remove it.
final class OpenOperations: Sendable {
  struct Entry: Sendable {
    var id: OperationID
    var method: String
    var storeid: String
    /// The volumes' keys, see ``ParsedName/key``.
    var volumes: Set<String>
  }

  private let entries = Mutex<[OperationID: Entry]>([:])
  private let uses = VolumeReaders()

  func add(_ entry: Entry) {
    guard entries.withLock({ $0.updateValue(entry, forKey: entry.id) == nil }) else { return }
    for volume in entry.volumes { uses.begin(entry.storeid, volume) }
  }

  func remove(_ id: OperationID) {
    guard let entry = entries.withLock({ $0.removeValue(forKey: id) }) else { return }
    for volume in entry.volumes { uses.end(entry.storeid, volume) }
  }

  /// An operation that concerns one of the volumes.
  func first(_ storeid: String, _ volumes: [String]) -> Entry? {
    entries.withLock { entries in
      entries.values.first { $0.storeid == storeid && !$0.volumes.isDisjoint(with: volumes) }
    }
  }

  /// Waits until no operation concerns the volume, for the time given, or until the caller is cancelled.
  /// - Returns: whether none does.
  func settled(_ storeid: String, _ volume: String, within time: Duration) async -> Bool {
    await uses.drained(storeid, volume, within: time)
  }
}
