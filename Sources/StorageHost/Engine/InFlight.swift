// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Jobs
internal import Synchronization

/// Journal records whose operation runs in this process: reconciling leaves them alone.
final class InFlight: Sendable {
  private let ids = Mutex<Set<OperationID>>([])
  func add(_ id: OperationID) { ids.withLock { _ = $0.insert(id) } }
  func remove(_ id: OperationID) { ids.withLock { _ = $0.remove(id) } }
  func contains(_ id: OperationID) -> Bool { ids.withLock { $0.contains(id) } }
}
