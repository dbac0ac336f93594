// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension Journal {
  /// The record with this id.
  public func record(_ id: OperationID) async throws(JobsError) -> JournalRecord? {
    try await database.read { db in
      try Row.fetchOne(db, sql: "SELECT * FROM journal WHERE id = ?", arguments: [id.rawValue])
        .map { try JournalRecord(row: $0) }
    }
  }

  /// The operations without an end, oldest first.
  public func unfinished(storeid: String? = nil) async throws(JobsError) -> [JournalRecord] {
    try await records(in: .started, storeid: storeid)
  }

  /// The operations somebody has to look at, oldest first.
  public func reported(storeid: String? = nil) async throws(JobsError) -> [JournalRecord] {
    try await records(in: .reported, storeid: storeid)
  }

  /// The newest records first, for `berth journal` and tests.
  /// - Parameter limit: at most this many, 1 to 1,000.
  public func recent(storeid: String? = nil, limit: Int = 100) async throws(JobsError) -> [JournalRecord] {
    let limit = min(max(limit, 1), 1_000)
    return try await database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM journal WHERE ?1 IS NULL OR storeid = ?1 ORDER BY rowid DESC LIMIT ?2",
        arguments: [storeid, limit]
      ).map { try JournalRecord(row: $0) }
    }
  }

  /// The operations of one job, the newest first.
  public func records(of job: OperationID) async throws(JobsError) -> [JournalRecord] {
    try await database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM journal WHERE job = ? ORDER BY rowid DESC LIMIT 1000", arguments: [job.rawValue]
      ).map { try JournalRecord(row: $0) }
    }
  }

  /// Forgets settled records: done and failed ones older than `age`, and the oldest beyond `count`.
  ///
  /// Unfinished and reported records stay until they are resolved.
  /// - Parameters:
  ///   - age: milliseconds; a repeated request finds its first result at least this long.
  ///   - count: how many settled records are kept at most.
  /// - Returns: how many were forgotten.
  @discardableResult
  public func prune(olderThan age: Int64 = 48 * 3_600_000, keeping count: Int = 100_000) async throws(JobsError)
    -> Int
  {
    let limit = ages.limit(age)
    return try await database.write { db in
      try db.execute(
        sql: "DELETE FROM journal WHERE state IN ('done', 'failed') AND settled < ?", arguments: [limit])
      var forgotten = db.changesCount
      try db.execute(
        sql: "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE state IN ('done', 'failed')"
          + " ORDER BY rowid DESC LIMIT -1 OFFSET ?)", arguments: [count])
      forgotten += db.changesCount
      return forgotten
    }
  }

  private func records(in state: JournalRecord.State, storeid: String?) async throws(JobsError) -> [JournalRecord] {
    try await database.read { db in
      try Row.fetchAll(
        db,
        sql: "SELECT * FROM journal WHERE state = ?1 AND state IN ('started', 'reported')"
          + " AND (?2 IS NULL OR storeid = ?2) ORDER BY rowid",
        arguments: [state.rawValue, storeid]
      ).map { try JournalRecord(row: $0) }
    }
  }
}
