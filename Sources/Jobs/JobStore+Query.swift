// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
public import JSON
public import StorageProtocol

extension JobStore {
  /// Which jobs to list.
  public struct Filter: Sendable, Hashable {
    public var storeid: String?
    public var owner: String?
    public var state: Job.State?

    public init(storeid: String? = nil, owner: String? = nil, state: Job.State? = nil) {
      self.storeid = storeid
      self.owner = owner
      self.state = state
    }
  }

  /// Jobs, the newest first.
  /// - Parameters:
  ///   - before: only jobs older than this one, to get the next page.
  ///   - limit: 1 to 1,000.
  public func list(_ filter: Filter = Filter(), before: OperationID? = nil, limit: Int = 100) async throws(JobsError)
    -> [Job]
  {
    let limit = min(max(limit, 1), 1_000)
    let jobs = try await database.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT * FROM job WHERE (?1 IS NULL OR storeid = ?1) AND (?2 IS NULL OR owner = ?2)
            AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR rowid < (SELECT rowid FROM job WHERE id = ?4))
            ORDER BY rowid DESC LIMIT ?5
          """,
        arguments: [filter.storeid, filter.owner, filter.state?.rawValue, before?.rawValue, limit]
      ).map { try Job(row: $0) }
    }
    return jobs.map(current)
  }

  /// Log lines of a job, oldest first.
  /// - Parameters:
  ///   - from: only lines with this `seq` or a later one.
  ///   - limit: 1 to 10,000.
  public func log(_ id: OperationID, from: Int64 = 0, limit: Int = 1_000) async throws(JobsError) -> [JobLogLine] {
    _ = try await job(id)
    if let handle = active[id]?.handle {
      let lines = handle.takePending()
      let kept = limits.logLines
      do { try await database.write { db in try JobLog.append(db, job: id, lines: lines, keeping: kept) } } catch {
        handle.giveBack(lines)
        throw error
      }
    }
    let limit = min(max(limit, 1), 10_000)
    return try await database.read { db in try JobLog.fetch(db, job: id, from: from, limit: limit) }
  }

  /// Marks what ran when the daemon stopped as interrupted; call it once, before any job is submitted.
  /// - Returns: the interrupted jobs.
  public func recover() async throws(JobsError) -> [Job] {
    try await database.write { db in
      try db.execute(sql: "UPDATE job SET state = 'interrupted' WHERE state IN ('queued', 'running')")
      return try Row.fetchAll(db, sql: "SELECT * FROM job WHERE state = 'interrupted' ORDER BY rowid")
        .map { try Job(row: $0) }
    }
  }

  /// Gives a job its end once it is known: one that was interrupted, or that ended when nobody could tell yet what it had
  /// left behind. Any other keeps the end it has.
  public func resolve(_ id: OperationID, _ result: Result<JSON, StorageError>) async throws(JobsError) {
    guard var job = try await database.read({ db in try Job.fetch(db, id) }) else { throw Self.unknown(id) }
    let isUnclear = job.state.isFinal && (job.error?.outcome == .unknown || job.error?.outcome == .partial)
    guard job.state == .interrupted || isUnclear else { return }
    job.finished = now()
    job.error = nil
    switch result {
    case .success(let value):
      job.state = .done
      job.result = value
    case .failure(let error):
      job.state = .failed
      job.error = error
    }
    let resolved = job
    try await database.write { db in try resolved.storeEnd(db) }
  }

  /// Forgets finished jobs beyond the limits.
  /// - Returns: how many were forgotten.
  @discardableResult
  public func prune() async throws(JobsError) -> Int {
    let oldest = ages.limit(limits.finishedAge)
    let kept = limits.finished
    return try await database.write { db in
      try db.execute(
        sql: "DELETE FROM job WHERE state IN ('done', 'failed', 'cancelled') AND finished < ?", arguments: [oldest])
      var forgotten = db.changesCount
      try db.execute(
        sql: "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state IN ('done', 'failed', 'cancelled')"
          + " ORDER BY rowid DESC LIMIT -1 OFFSET ?)", arguments: [kept])
      forgotten += db.changesCount
      return forgotten
    }
  }
}
