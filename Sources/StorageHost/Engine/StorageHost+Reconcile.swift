// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import Jobs
internal import Logging
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// Resolves every operation without an end against its storage: done, undone, or reported with what to do.
  ///
  /// Runs at start and again while records are open; reported ones are looked at anew, so a repair that somebody made
  /// by hand closes them.
  /// - Parameter storeid: only this storage's; all when nil.
  public func reconcile(_ storeid: String? = nil, _ caller: Caller) async throws(StorageError) -> ReconcileReport {
    await flushSettlements()
    var records: [JournalRecord]
    do throws(JobsError) {
      records = try await journal.unfinished(storeid: storeid)
      records += try await journal.reported(storeid: storeid)
    } catch { throw StorageError(error) }
    var items: [ReconcileReport.Item] = []
    for record in records where !inFlight.contains(record.id) { items.append(await resolve(record, caller)) }
    return ReconcileReport(items: items)
  }

  /// Stores the ends that could not be stored when they came.
  private func flushSettlements() async {
    for (id, settlement) in pendingSettlements.all {
      do throws(JobsError) { try await journal.settle(id, settlement) } catch {
        guard error.code == .invalidState else { continue }
      }
      pendingSettlements.forget(id)
    }
  }

  private func resolve(_ record: JournalRecord, _ caller: Caller) async -> ReconcileReport.Item {
    let verdict: Verdict
    do throws(StorageError) {
      verdict = try await ask(record, caller)
    } catch {
      return item(
        record, .reported, "storage '\(record.storeid)' cannot be asked: \(error.message)",
        "when it answers again: berth reconcile \(record.storeid)")
    }
    let settlement: Settlement
    let item: ReconcileReport.Item
    switch verdict {
    case .done(let result):
      settlement = .done(result)
      item = self.item(record, .done, "\(record.method) is complete", nil)
    case .undone(let what):
      settlement = .failed(interrupted(record, .rolledBack, "\(what); repeat the request"))
      item = self.item(record, .undone, what, nil)
    case .reported(let what, let hint):
      settlement = .reported(interrupted(record, .partial, "\(what); to repair: \(hint)"), hint: hint)
      item = self.item(record, .reported, what, hint)
    }
    do throws(JobsError) {
      try await journal.settle(record.id, settlement)
      if item.verdict != .reported { reservations.remove(record.storeid, by: record.id.rawValue) }
      try await endJob(record, settlement.result)
    } catch { logger.error("reconciling \(record.id): \(error)") }
    logger.notice(
      "reconciled \(record.method): \(item.verdict.rawValue), \(item.message)",
      metadata: ["storeid": "\(record.storeid)", "operation": "\(record.id)"])
    return item
  }

  private func ask(_ record: JournalRecord, _ caller: Caller) async throws(StorageError) -> Verdict {
    guard let intent = record.intent.objectValue else { return .reported("its record is empty", hint: "none") }
    if record.method == "import_config" { return askImport(intent) }
    if record.method.hasSuffix("_storage") { return try await askConfig(record, intent) }
    let volumes = [intent["volname"], intent["source"]].compactMap { $0?.stringValue }
    let mutation = Mutation(
      method: record.method, request: intent, volumes: volumes,
      needsStorageLock: Resolver.changesNames.contains(record.method))
    var asker = caller
    asker.timeout = nil
    asker.idempotencyKey = nil
    let leases = try await lock(mutation, on: record.storeid, asker)
    let result: Result<Verdict, StorageError>
    do throws(StorageError) {
      let storage = try await registry.storage(record.storeid)
      var run = CallRun(asker)
      run.firstKey = record.id.rawValue
      run.lock = leases.last.map { lease in
        CallRun.Lock(
          name: lease.name.description, scope: mutation.needsStorageLock ? "storage" : "volume",
          token: lease.token.rawValue, ttl: lease.ttl)
      }
      let isReported = record.state == .reported
      result = .success(
        try await (isReported ? Resolver.look : Resolver.resolve)(record.method, intent, storage, run))
    } catch { result = .failure(error) }
    await locks.releaseAll(leases)
    return try result.get()
  }

  /// A change of the configuration is complete exactly when the file says so.
  private func askConfig(_ record: JournalRecord, _ intent: JSONObject) async throws(StorageError) -> Verdict {
    let entry = registry.config.snapshot[record.storeid]
    switch (record.method, entry != nil) {
    case ("add_storage", true): return .done(.string(record.storeid))
    case ("remove_storage", false):
      try await forget(record.storeid, of: try await registry.owner(record.storeid, ""))
      return .done(.string(record.storeid))
    case ("add_storage", false):
      let owner = try await registry.owner(record.storeid, intent["type"]?.stringValue ?? "")
      try await forget(record.storeid, of: owner)
      return .undone("storage '\(record.storeid)' was not added")
    case ("remove_storage", true): return .undone("storage '\(record.storeid)' is still configured")
    default: return .undone("the configuration of '\(record.storeid)' is what its file says")
    }
  }

  /// The file is replaced as a whole: all of the sections came, or none.
  private func askImport(_ intent: JSONObject) -> Verdict {
    let names = (intent["sections"]?.arrayValue ?? []).compactMap(\.stringValue)
    let snapshot = registry.config.snapshot
    return names.allSatisfy { snapshot[$0] != nil }
      ? .done(.null) : .undone("the storages \(names.joined(separator: ", ")) were not taken over")
  }

  private func interrupted(_ record: JournalRecord, _ outcome: Outcome, _ hint: String) -> StorageError {
    if let error = record.error { return error.with(outcome: outcome, hint: hint) }
    return .make(.pluginCrashed, "\(record.method) was interrupted", outcome: outcome, hint: hint)
  }

  private func item(
    _ record: JournalRecord, _ verdict: ReconcileReport.Item.Verdict, _ message: String, _ hint: String?
  ) -> ReconcileReport.Item {
    ReconcileReport.Item(
      operation: record.id.rawValue, method: record.method, storeid: record.storeid, verdict: verdict,
      message: message, hint: hint)
  }
}

extension Settlement {
  var result: Result<JSON, StorageError> {
    switch self {
    case .done(let value): .success(value)
    case .failed(let error), .reported(let error, _): .failure(error)
    }
  }
}
