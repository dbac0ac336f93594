// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Names of volumes that are being made, so that nobody else is given them while no lock is held.
final class Reservations: Sendable {
  private let names = Mutex<[String: [String: Int]]>([:])

  /// Names reserved on a storage.
  func of(_ storeid: String) -> [String] { names.withLock { Array(($0[storeid] ?? [:]).keys) } }

  func contains(_ storeid: String, _ name: String) -> Bool { names.withLock { $0[storeid]?[name] != nil } }

  func add(_ storeid: String, _ added: [String]) {
    names.withLock { names in for name in added { names[storeid, default: [:]][name, default: 0] += 1 } }
  }

  func remove(_ storeid: String, _ removed: [String]) {
    names.withLock { names in
      for name in removed {
        let left = (names[storeid]?[name] ?? 1) - 1
        names[storeid]?[name] = left > 0 ? left : nil
      }
      if names[storeid]?.isEmpty == true { names[storeid] = nil }
    }
  }
}
