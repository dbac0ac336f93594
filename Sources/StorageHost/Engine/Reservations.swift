// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Names of volumes that are being made, so that nobody else is given them while no lock is held.
final class Reservations: Sendable {
  /// Who keeps a name: an operation's id, or a request's own label.
  typealias Owner = String

  private let names = Mutex<[String: [String: Set<Owner>]]>([:])

  /// Names reserved on a storage, as keys: linked clones without their base.
  func of(_ storeid: String) -> [String] { names.withLock { Array(($0[storeid] ?? [:]).keys) } }

  func contains(_ storeid: String, _ name: String) -> Bool { names.withLock { $0[storeid]?[name] != nil } }

  func add(_ storeid: String, _ added: [String], by owner: Owner) {
    names.withLock { names in for name in added { names[storeid, default: [:]][name, default: []].insert(owner) } }
  }

  /// Gives back everything an owner keeps on a storage.
  func remove(_ storeid: String, by owner: Owner) {
    names.withLock { names in
      for (name, owners) in names[storeid] ?? [:] where owners.contains(owner) {
        let left = owners.subtracting([owner])
        names[storeid]?[name] = left.isEmpty ? nil : left
      }
      if names[storeid]?.isEmpty == true { names[storeid] = nil }
    }
  }
}
