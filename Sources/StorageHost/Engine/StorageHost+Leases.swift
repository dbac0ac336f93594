// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import Logging
internal import StorageProtocol

extension StorageHost {
  /// Starts the time of the leases anew: what the host itself waited for does not count as the plugin's work.
  /// - Throws: LOCK_LOST when one was taken back meanwhile.
  func renew(_ leases: [Lease]) async throws(StorageError) {
    for lease in leases {
      do throws(LockError) { try await locks.renew(lease) } catch { throw StorageError(error, lock: lease.name) }
    }
  }

  /// Gives the locks of an operation back; unless something of a plugin still runs under them that nobody can end: then
  /// they stay until it is gone (see the lock's reclaim).
  func giveBack(_ leases: [Lease], after error: StorageError?) async {
    guard let error, error.maySurvive, !leases.isEmpty else { return await locks.releaseAll(leases) }
    logger.error(
      "locks stay held: \(error.message)",
      metadata: ["locks": "\(leases.map(\.name.description).joined(separator: ", "))"])
  }
}

extension StorageError {
  /// Whether the plugin that was asked may still be at work although its call has ended.
  var maySurvive: Bool { code == .pluginUnreapable && outcome != .notStarted }
}

extension Result where Failure == StorageError {
  /// The error, when there is one.
  var thrown: StorageError? {
    if case .failure(let error) = self { error } else { nil }
  }
}
