// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import Synchronization

/// The highest fencing token seen of each lock in this session.
final class FenceTable: Sendable {
  /// Locks remembered; the one with the lowest token is forgotten first.
  static let capacity = 4096

  private let tokens = Mutex<[String: Int64]>([:])

  /// - Throws: `STALE_FENCE` when a higher token was seen.
  func check(_ lock: LockLease) throws(StorageError) {
    let seen: Int64? = tokens.withLock { tokens in
      if let seen = tokens[lock.name], seen > lock.token { return seen }
      if tokens[lock.name] == nil, tokens.count >= Self.capacity,
        let oldest = tokens.min(by: { $0.value < $1.value })
      {
        tokens[oldest.key] = nil
      }
      tokens[lock.name] = lock.token
      return nil
    }
    guard let seen else { return }
    throw StorageError(
      .staleFence, "lock \(ForeignText.quoted(lock.name)): token \(lock.token) comes after \(seen)",
      outcome: .notStarted, details: ["seen": .int(seen)])
  }
}
