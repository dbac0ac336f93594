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
  /// by hand closes them. The storages are asked side by side.
  /// - Parameter storeid: only this storage's; all when nil.
  public func reconcile(_ storeid: String? = nil, _ caller: Caller) async throws(StorageError) -> ReconcileReport {
    await flushSettlements()
    var records: [JournalRecord]
    do throws(JobsError) {
      records = try await journal.unfinished(storeid: storeid)
      records += try await journal.reported(storeid: storeid)
    } catch { throw StorageError(error) }
    var items = await withTaskGroup(of: [ReconcileReport.Item].self) { group in
      for records in Dictionary(grouping: records, by: \.storeid).values {
        group.addTask {
          var items: [ReconcileReport.Item] = []
          for record in records { if let item = await self.resolve(record, caller) { items.append(item) } }
          return items
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    items.sort { $0.operation < $1.operation }
    return ReconcileReport(items: items)
  }

  /// Asks one storage beside everything else, unless that is under way.
  func reconcileSoon(_ storeid: String) {
    guard reconciling.begin(storeid) else { return }
    background { host in
      do throws(StorageError) { _ = try await host.reconcile(storeid, .host) } catch {
        host.logger.error("reconciling: \(error.message)", metadata: ["storeid": "\(storeid)"])
      }
      host.reconciling.end(storeid)
    }
  }

  /// Stores the ends that could not be stored when they came.
  func flushSettlements() async {
    for (id, settlement) in pendingSettlements.all {
      do throws(JobsError) {
        try await journal.settle(id, settlement)
        if let record = try await journal.record(id) { try await conclude(record, settlement) }
      } catch { guard error.code == .invalidState else { continue } }
      pendingSettlements.forget(id)
    }
  }

  /// Lets go of the volumes of an operation that has its end now, and ends its job.
  private func conclude(_ record: JournalRecord, _ settlement: Settlement) async throws(JobsError) {
    if case .reported = settlement {
      // Its names stay taken: somebody has to look at them. Only nobody waits for the host any more.
      openOperations.remove(record.id)
    } else {
      settleOpen(record.id, on: record.storeid)
    }
    try await endJob(record, settlement.result)
  }

  /// Whether nobody has settled the record since it was read, nor is about to.
  private func isOpen(_ record: JournalRecord) async throws(StorageError) -> Bool {
    guard !inFlight.contains(record.id), pendingSettlements[record.id] == nil else { return false }
    do throws(JobsError) { return try await journal.record(record.id)?.state == record.state } catch {
      throw StorageError(error)
    }
  }

  /// - Returns: nil when somebody else has settled it, or still works on it.
  private func resolve(_ record: JournalRecord, _ caller: Caller) async -> ReconcileReport.Item? {
    if inFlight.contains(record.id) { return nil }
    if pendingSettlements[record.id] != nil {
      return item(
        record, .reported, "\(record.method) has ended, but the journal cannot be written",
        "free space under the state directory, then: berth reconcile \(record.storeid)")
    }
    let verdict: Verdict
    do throws(StorageError) {
      guard let found = try await ask(record, caller) else { return nil }
      verdict = found
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
      try await conclude(record, settlement)
    } catch {
      logger.error("reconciling \(record.id): \(error)")
      // What was found out, and perhaps done, is not to be found out again: the volume's name may be another's by then.
      if error.code != .invalidState, error.code != .notFound { pendingSettlements.keep(record.id, settlement) }
    }
    logger.notice(
      "reconciled \(record.method): \(item.verdict.rawValue), \(item.message)",
      metadata: ["storeid": "\(record.storeid)", "operation": "\(record.id)"])
    return item
  }

  private func ask(_ record: JournalRecord, _ caller: Caller) async throws(StorageError) -> Verdict? {
    guard let intent = record.intent.objectValue else {
      return .reported("its record is empty", hint: "berth reconcile --dismiss \(record.id)")
    }
    if record.method == "import_config" || record.method.hasSuffix("_storage") {
      guard try await isOpen(record) else { return nil }
      return record.method == "import_config" ? askImport(intent) : try await askConfig(record, intent)
    }
    let volumes = [intent["volname"], intent["source"]].compactMap { $0?.stringValue }
    var mutation = Mutation(
      method: record.method, request: intent, volumes: volumes,
      needsStorageLock: Resolver.changesNames.contains(record.method))
    mutation.isReconciling = true
    var asker = caller
    asker.timeout = nil
    asker.idempotencyKey = nil
    let leases = try await lock(mutation, on: record.storeid, asker)
    let result: Result<Verdict?, StorageError>
    do throws(StorageError) {
      guard try await isOpen(record) else {
        await locks.releaseAll(leases)
        return nil
      }
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
    await giveBack(leases, after: result.thrown)
    return try result.get()
  }

  /// A change of the configuration is complete exactly when the file says so.
  private func askConfig(_ record: JournalRecord, _ intent: JSONObject) async throws(StorageError) -> Verdict {
    let entry = registry.config.snapshot[record.storeid]
    switch (record.method, entry != nil) {
    case ("add_storage", true): return .done(.string(record.storeid))
    case ("remove_storage", false):
      try await forget(record.storeid, of: try await registry.owner(record.storeid, ""))
      try await closeReported(of: record.storeid)
      return .done(.string(record.storeid))
    case ("add_storage", false):
      let owner = try await registry.owner(record.storeid, intent["type"]?.stringValue ?? "")
      try await forget(record.storeid, of: owner)
      return .undone("storage '\(record.storeid)' was not added")
    case ("remove_storage", true): return .undone("storage '\(record.storeid)' is still configured")
    case ("update_storage", true) where intent["secretsOnly"] == true:
      return .reported(
        "whether the new secrets of storage '\(record.storeid)' were stored is not known",
        hint: "set them again: berth storage set \(record.storeid) --secret NAME")
    // The file with the change has this digest: the change is there.
    case ("update_storage", _) where intent["digest"]?.stringValue == registry.config.snapshot.digest:
      return .done(.string(record.storeid))
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

  func interrupted(_ record: JournalRecord, _ outcome: Outcome, _ hint: String) -> StorageError {
    if let error = record.error { return error.with(outcome: outcome, hint: hint) }
    return .make(.pluginCrashed, "\(record.method) was interrupted", outcome: outcome, hint: hint)
  }

  func item(
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
