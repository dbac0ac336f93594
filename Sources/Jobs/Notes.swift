// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// Small durable facts by scope and key: consent records, a plugin's `host.journal` memory, pending clean-ups.
public struct Notes: Sendable {
  private let database: JobDatabase

  public init(_ database: JobDatabase) { self.database = database }

  /// The value, or nil when there is none.
  public func get(_ scope: String, _ key: String) async throws(JobsError) -> String? {
    try await database.read { db in
      try String.fetchOne(db, sql: "SELECT value FROM note WHERE scope = ? AND key = ?", arguments: [scope, key])
    }
  }

  /// Everything in a scope, sorted by key.
  public func all(_ scope: String) async throws(JobsError) -> [(key: String, value: String)] {
    try await database.read { db in
      try Row.fetchAll(db, sql: "SELECT key, value FROM note WHERE scope = ? ORDER BY key", arguments: [scope])
        .map { (key: $0["key"], value: $0["value"]) }
    }
  }

  /// Stores the value durably.
  public func put(_ scope: String, _ key: String, _ value: String) async throws(JobsError) {
    try await database.write { db in
      try db.execute(
        sql: "INSERT INTO note (scope, key, value) VALUES (?, ?, ?)"
          + " ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value", arguments: [scope, key, value])
    }
  }

  /// Forgets one key, or the whole scope when the key is nil.
  public func delete(_ scope: String, _ key: String? = nil) async throws(JobsError) {
    try await database.write { db in
      try db.execute(
        sql: "DELETE FROM note WHERE scope = ?1 AND (?2 IS NULL OR key = ?2)", arguments: [scope, key])
    }
  }

  /// Adds a value under a key that sorts after every earlier one, and forgets the oldest beyond a number.
  public func append(_ scope: String, _ value: String, keeping kept: Int) async throws(JobsError) {
    try await database.write { db in
      let last = try String.fetchOne(db, sql: "SELECT MAX(key) FROM note WHERE scope = ?", arguments: [scope])
      let number = (last.flatMap { Int64($0) } ?? 0) + 1
      let digits = String(number)
      let key = String(repeating: "0", count: 19 - digits.count) + digits
      try db.execute(sql: "INSERT INTO note (scope, key, value) VALUES (?, ?, ?)", arguments: [scope, key, value])
      let oldest = String(max(0, number - Int64(kept)))
      let limit = String(repeating: "0", count: 19 - oldest.count) + oldest
      try db.execute(sql: "DELETE FROM note WHERE scope = ? AND key <= ?", arguments: [scope, limit])
    }
  }
}
