// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Jobs
internal import Synchronization

/// Ends of operations that could not be recorded (full disk): kept until the journal can be written again.
final class PendingSettlements: Sendable {
  private let pending = Mutex<[OperationID: Settlement]>([:])

  var all: [(OperationID, Settlement)] { pending.withLock { Array($0).map { ($0.key, $0.value) } } }
  subscript(id: OperationID) -> Settlement? { pending.withLock { $0[id] } }
  func keep(_ id: OperationID, _ settlement: Settlement) { pending.withLock { $0[id] = settlement } }
  func forget(_ id: OperationID) { pending.withLock { _ = $0.removeValue(forKey: id) } }
}
