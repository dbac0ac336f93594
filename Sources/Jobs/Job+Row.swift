// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import JSON
internal import StorageProtocol

extension Job {
  init(row: Row) throws {
    let what = "job"
    let state: String = row["state"]
    guard let state = State(rawValue: state) else {
      throw JobsError(.journalBroken, "\(what) \(row["id"] as String) has the unknown state '\(state)'")
    }
    let progress = try (row["progress"] as String?).map { try StoredJSON.parse($0, what) }
    self.init(
      id: OperationID(rawValue: row["id"]), kind: row["kind"], storeid: row["storeid"], title: row["title"],
      owner: row["owner"], state: state, created: row["created"], started: row["started"], finished: row["finished"],
      progress: try? progress?.decode(as: JobProgress.self),
      result: try (row["result"] as String?).map { try StoredJSON.parse($0, what) },
      error: try (row["error"] as String?).map { try StoredJSON.error($0, what) })
  }

  static func fetch(_ db: Database, _ id: OperationID) throws -> Job? {
    try Row.fetchOne(db, sql: "SELECT * FROM job WHERE id = ?", arguments: [id.rawValue]).map { try Job(row: $0) }
  }

  /// The job that the request's idempotency key belongs to; frees the key of one that left nothing behind.
  static func claimed(_ db: Database, by request: JobRequest) throws -> Job? {
    guard let key = request.idempotencyKey,
      let row = try Row.fetchOne(db, sql: "SELECT * FROM job WHERE idempotency_key = ?", arguments: [key])
    else { return nil }
    let job = try Job(row: row)
    guard row["params_digest"] == request.paramsDigest else {
      throw JobsError(
        .idempotencyConflict, "the idempotency key was used by job \(job.id) (\(job.kind)) with other parameters",
        hint: "send a new key with new parameters", subject: job.id.rawValue)
    }
    let outcome = job.error?.outcome
    guard job.state.isFinal, outcome == .notStarted || outcome == .rolledBack else { return job }
    try db.execute(sql: "UPDATE job SET idempotency_key = NULL WHERE id = ?", arguments: [job.id.rawValue])
    return nil
  }

  func insert(_ db: Database, request: JobRequest) throws {
    try db.execute(
      sql: """
        INSERT INTO job (id, kind, storeid, title, owner, idempotency_key, params_digest, state, created)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        id.rawValue, kind, storeid, title, owner, request.idempotencyKey, request.paramsDigest, state.rawValue, created,
      ])
  }

  func storeEnd(_ db: Database) throws {
    try db.execute(
      sql: "UPDATE job SET state = ?, started = ?, finished = ?, progress = ?, result = ?, error = ? WHERE id = ?",
      arguments: [
        state.rawValue, started, finished, progress?.json().text(), result?.text(), error?.json().text(), id.rawValue,
      ])
  }
}
