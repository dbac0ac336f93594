// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// The stored log lines of jobs.
enum JobLog {
  static func append(_ db: Database, job: OperationID, lines: [JobLogLine], keeping count: Int) throws {
    guard let last = lines.last else { return }
    for line in lines {
      try db.execute(
        sql: "INSERT OR REPLACE INTO job_log (job, seq, time, level, message) VALUES (?, ?, ?, ?, ?)",
        arguments: [job.rawValue, line.seq, line.time, line.level.rawValue, line.message])
    }
    try db.execute(
      sql: "DELETE FROM job_log WHERE job = ? AND seq <= ?", arguments: [job.rawValue, last.seq - Int64(count)])
  }

  static func fetch(_ db: Database, job: OperationID, from: Int64, limit: Int) throws -> [JobLogLine] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM job_log WHERE job = ? AND seq >= ? ORDER BY seq LIMIT ?",
      arguments: [job.rawValue, from, limit]
    ).map { row in
      JobLogLine(
        seq: row["seq"], time: row["time"], level: JobLogLine.Level(rawValue: row["level"]) ?? .info,
        message: row["message"])
    }
  }
}
