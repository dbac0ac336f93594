// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
public import JSON
internal import StorageProtocol

/// Remembers every mutating operation: what it was going to do before it starts, how it ended after.
///
/// A record that is still `started` when the daemon starts belonged to an operation nobody got an answer for; the
/// host finds out what became of it and settles it.
public struct Journal: Sendable {
  let database: JobDatabase
  let now: @Sendable () -> Int64
  let ages: RecordAge

  /// - Parameters:
  ///   - now: the time in milliseconds since the epoch.
  ///   - ages: judges the age of records by the same clock.
  public init(
    _ database: JobDatabase, now: @escaping @Sendable () -> Int64 = Clock.milliseconds, ages: RecordAge? = nil
  ) {
    self.database = database
    self.now = now
    self.ages = ages ?? RecordAge(wall: now)
  }

  /// What the journal already knows of a request with this key: its record when it is done, nothing when it is new.
  /// - Throws: `.idempotencyConflict` when the first request had other parameters, `.inProgress` while it runs.
  public func admit(key: String, paramsDigest: String) async throws(JobsError) -> JournalRecord? {
    try await database.read { db in try Journal.known(db, key: key, paramsDigest: paramsDigest) }
  }

  /// Records an operation durably before it starts, or answers from the record of the first request with its key.
  /// - Throws: `.journalFull` or `.journalBroken` (nothing may start), `.idempotencyConflict`, `.inProgress`.
  public func begin(_ intent: JournalIntent) async throws(JobsError) -> JournalAdmission {
    let time = now()
    let id = OperationID.make(at: time)
    return try await database.write { db in
      if let key = intent.idempotencyKey,
        let known = try Journal.known(db, key: key, paramsDigest: intent.paramsDigest)
      {
        return .replay(known)
      }
      let record = JournalRecord(id: id, intent: intent, created: time)
      try record.insert(db)
      return .begin(record)
    }
  }

  /// Records more of a running operation before its next step, for work of several steps.
  public func amend(_ id: OperationID, intent: JSON) async throws(JobsError) {
    let text = intent.text()
    try await database.write { db in
      try db.execute(
        sql: "UPDATE journal SET intent = ? WHERE id = ? AND state = 'started'", arguments: [text, id.rawValue])
      guard db.changesCount == 1 else {
        throw JobsError(.invalidState, "journal record \(id) is not open", subject: id.rawValue)
      }
    }
  }

  /// Records how the operation ended; durable when this returns, so only then may the caller be told.
  ///
  /// A failure that left the state as it was before frees the key: a repeated request may try again.
  public func settle(_ id: OperationID, _ settlement: Settlement) async throws(JobsError) {
    let time = now()
    try await database.write { db in
      switch settlement {
      case .done(let result):
        try db.execute(
          sql: "UPDATE journal SET state = 'done', outcome = 'completed', result = ?, error = NULL, hint = NULL,"
            + " settled = ? WHERE id = ? AND state IN ('started', 'reported')",
          arguments: [result.text(), time, id.rawValue])
      case .failed(let error):
        let free = error.outcome == .notStarted || error.outcome == .rolledBack
        try db.execute(
          sql: "UPDATE journal SET state = 'failed', outcome = ?, error = ?, hint = NULL, settled = ?"
            + (free ? ", idempotency_key = NULL" : "") + " WHERE id = ? AND state IN ('started', 'reported')",
          arguments: [error.outcome.rawValue, error.json().text(), time, id.rawValue])
      case .reported(let error, let hint):
        try db.execute(
          sql: "UPDATE journal SET state = 'reported', outcome = ?, error = ?, hint = ?, settled = ?"
            + " WHERE id = ? AND state IN ('started', 'reported')",
          arguments: [error.outcome.rawValue, error.json().text(), hint, time, id.rawValue])
      }
      guard db.changesCount == 1 else {
        throw JobsError(.invalidState, "journal record \(id) is not open", subject: id.rawValue)
      }
    }
  }

  private static func known(_ db: Database, key: String, paramsDigest: String) throws -> JournalRecord? {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM journal WHERE idempotency_key = ?", arguments: [key])
    else { return nil }
    let record = try JournalRecord(row: row)
    guard record.paramsDigest == paramsDigest else {
      throw JobsError(
        .idempotencyConflict,
        "the idempotency key of this \(record.method) was used on \(record.storeid) with other parameters",
        hint: "send a new key with new parameters", subject: record.id.rawValue)
    }
    guard record.state != .started else {
      let job = record.job.map { "job \($0)" } ?? "operation \(record.id)"
      throw JobsError(
        .inProgress, "\(record.method) with this idempotency key is still running as \(job)",
        hint: "wait for \(job), then repeat the request to get its result",
        subject: (record.job ?? record.id).rawValue)
    }
    return record
  }
}
