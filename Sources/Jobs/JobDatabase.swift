// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB

/// The SQLite file behind the journal and the jobs.
///
/// Write-ahead log with `synchronous = FULL`: a commit that returned is on the disk. One writer connection on
/// GRDB's own queue; callers await, nothing blocks the cooperative pool.
public final class JobDatabase: Sendable {
  let pool: DatabasePool
  /// Where the file is, for messages.
  public let path: String

  /// Opens or creates the file and brings its tables to the newest version. Blocks: call it once, at start.
  /// - Throws: `JobsError` `.journalBroken` or `.journalFull`, saying which file and why.
  public init(path: String) throws(JobsError) {
    self.path = path
    do {
      var configuration = Configuration()
      configuration.label = "berth.jobs"
      configuration.busyMode = .timeout(5)
      configuration.maximumReaderCount = 4
      let pool = try DatabasePool(path: path, configuration: configuration)
      try pool.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 512")
      }
      try JobDatabase.migrator.migrate(pool)
      self.pool = pool
    } catch {
      throw JobDatabase.translate(error, path: path)
    }
  }

  /// Closes the file. Later calls fail with `.closed`.
  public func close() throws(JobsError) {
    do { try pool.close() } catch { throw JobDatabase.translate(error, path: path) }
  }

  /// Runs one durable transaction.
  func write<T: Sendable>(_ body: @Sendable @escaping (Database) throws -> T) async throws(JobsError) -> T {
    do { return try await pool.write(body) } catch { throw JobDatabase.translate(error, path: path) }
  }

  /// Runs one read on a consistent snapshot.
  func read<T: Sendable>(_ body: @Sendable @escaping (Database) throws -> T) async throws(JobsError) -> T {
    do { return try await pool.read(body) } catch { throw JobDatabase.translate(error, path: path) }
  }

  /// Turns what SQLite says into what an operator can use.
  static func translate(_ error: any Error, path: String) -> JobsError {
    if let error = error as? JobsError { return error }
    if error is CancellationError {
      return JobsError(.closed, "the request was cancelled before the journal \(path) answered")
    }
    guard let error = error as? DatabaseError else {
      return JobsError(.journalBroken, "journal \(path): \(error)")
    }
    let text = error.message ?? "error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_FULL:
      return JobsError(
        .journalFull, "the disk under the journal \(path) is full: \(text)",
        hint: "free space on that file system; no operation can start until then")
    case .SQLITE_IOERR:
      // A tmpfs or a quota reports a full disk as a failed write or fsync.
      return JobsError(
        .journalFull, "the journal \(path) cannot be written: \(text)",
        hint: "check free space and the disk's health; no operation can start until then")
    case .SQLITE_MISUSE:
      return JobsError(.closed, "the journal \(path) is closed")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      return JobsError(
        .journalBroken, "the journal \(path) is damaged: \(text)",
        hint: "stop the daemon, keep a copy of the file, recover it with 'sqlite3 FILE .recover', start again")
    default:
      return JobsError(
        .journalBroken, "the journal \(path) failed: \(text)", hint: "check the file's owner, mode and disk")
    }
  }
}

extension JobDatabase {
  /// SQLite's own answer to how hard it flushes: 2 is `FULL`, every commit.
  public func synchronousLevel() async throws(JobsError) -> Int {
    do {
      return try await pool.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") } ?? -1
    } catch { throw JobDatabase.translate(error, path: path) }
  }
}
