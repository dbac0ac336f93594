// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import Jobs
internal import Logging
public import StorageProtocol

extension StorageHost {
  /// Closes the record of an operation that somebody has looked at, whatever it left behind.
  /// - Throws: `JOB_NOT_FOUND` when no such operation waits for anybody, `IN_PROGRESS` while it runs.
  public func dismiss(_ id: OperationID, _ caller: Caller) async throws(StorageError) -> ReconcileReport.Item {
    await flushSettlements()
    guard !inFlight.contains(id) else {
      throw .make(
        .inProgress, "operation \(id) is at work", outcome: .notStarted, hint: "wait for its job: berth job list",
        more: ["operation": .string(id.rawValue)])
    }
    let found: JournalRecord?
    do throws(JobsError) { found = try await journal.record(id) } catch { throw StorageError(error) }
    guard let record = found, record.state == .started || record.state == .reported else {
      throw .refused(
        .jobNotFound, "no operation \(Quoted(id.rawValue)) waits to be looked at",
        hint: "their ids are shown by: berth reconcile")
    }
    try await conclude(record, because: "\(caller.actor) looked at it and dismissed it")
    return item(record, .undone, "\(record.method) was dismissed: what it left behind stays as it is", nil)
  }

  /// A later operation that puts a volume into a known state, or removes it, closes what is reported of it.
  func closeReported(by done: JournalRecord) async {
    guard let closes = Self.closes[done.method], let intent = done.intent.objectValue else { return }
    let key = await keys(of: intent, on: done.storeid)
    do throws(StorageError) {
      for record in try await reported(done.storeid) where closes.contains(record.method) {
        guard let old = record.intent.objectValue, old["returned"] == nil,
          await keys(of: old, on: done.storeid) == key
        else { continue }
        try await conclude(record, because: "\(done.method) \(done.id) came after it")
      }
    } catch {
      // The next reconciling tells of them again.
      logger.warning("reported operations stay open: \(error.message)", metadata: ["storeid": "\(done.storeid)"])
    }
  }

  /// What is reported of a storage that is configured no more.
  func closeReported(of storeid: String) async throws(StorageError) {
    for record in try await reported(storeid) { try await conclude(record, because: "the storage was removed") }
  }

  private static let states: Set<String> = ["volume_snapshot_rollback", "volume_import"]
  private static let changes: Set<String> = [
    "volume_resize", "volume_snapshot", "volume_snapshot_delete", "rename_snapshot", "update_volume_attribute",
    "alloc_image", "clone_image", "free_image",
  ]
  private static let closes: [String: Set<String>] = [
    "volume_snapshot_rollback": states, "volume_import": states, "free_image": states.union(changes),
    "update_storage": ["update_storage"],
  ]

  private func reported(_ storeid: String) async throws(StorageError) -> [JournalRecord] {
    do throws(JobsError) { return try await journal.reported(storeid: storeid) } catch { throw StorageError(error) }
  }

  private func conclude(_ record: JournalRecord, because why: String) async throws(StorageError) {
    let error = interrupted(record, record.outcome ?? .unknown, why)
    do throws(JobsError) {
      try await journal.settle(record.id, .failed(error))
      settleOpen(record.id, on: record.storeid)
      try await endJob(record, .failure(error))
    } catch { throw StorageError(error) }
    logger.notice(
      "closed \(record.method) that was reported: \(why)",
      metadata: ["storeid": "\(record.storeid)", "operation": "\(record.id)"])
  }
}
