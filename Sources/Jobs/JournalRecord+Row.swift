// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import JSON
internal import StorageProtocol

extension JournalRecord {
  init(id: OperationID, intent: JournalIntent, created: Int64) {
    self.init(
      id: id, method: intent.method, storeid: intent.storeid, intent: intent.intent,
      paramsDigest: intent.paramsDigest, idempotencyKey: intent.idempotencyKey, token: intent.token,
      actor: intent.actor, job: intent.job, created: created, state: .started, outcome: nil, result: nil, error: nil,
      hint: nil, settled: nil)
  }

  init(row: Row) throws {
    let what = "journal record"
    let state: String = row["state"]
    guard let state = State(rawValue: state) else {
      throw JobsError(.journalBroken, "\(what) \(row["id"] as String) has the unknown state '\(state)'")
    }
    let token: Int64? = row["token"]
    let outcome: String? = row["outcome"]
    let job: String? = row["job"]
    self.init(
      id: OperationID(rawValue: row["id"]), method: row["method"], storeid: row["storeid"],
      intent: try StoredJSON.parse(row["intent"], what), paramsDigest: row["params_digest"],
      idempotencyKey: row["idempotency_key"], token: token.map { UInt64(bitPattern: $0) }, actor: row["actor"],
      job: job.map(OperationID.init(rawValue:)), created: row["created"], state: state,
      outcome: outcome.flatMap(Outcome.init(rawValue:)),
      result: try (row["result"] as String?).map { try StoredJSON.parse($0, what) },
      error: try (row["error"] as String?).map { try StoredJSON.error($0, what) }, hint: row["hint"],
      settled: row["settled"])
  }

  func insert(_ db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO journal (id, method, storeid, intent, params_digest, idempotency_key, token, actor, job, created,
          state)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'started')
        """,
      arguments: [
        id.rawValue, method, storeid, intent.text(), paramsDigest, idempotencyKey,
        token.map { Int64(bitPattern: $0) }, actor, job?.rawValue, created,
      ])
  }
}
