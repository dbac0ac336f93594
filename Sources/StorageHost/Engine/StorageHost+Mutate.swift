// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import Jobs
internal import Logging
internal import StorageProtocol

extension StorageHost {
  typealias Choose = @Sendable (Storage, CallRun) async throws(StorageError) -> Plan
  typealias Perform = @Sendable (Storage, Plan, CallRun) async throws(StorageError) -> JSON

  /// Runs one mutating operation: lock → activate → choose → journal → call → verify → settle.
  ///
  /// Whatever happens, the result is done, undone, or recorded as reported with what to do; the thrown error says which.
  /// - Parameters:
  ///   - choose: decides names and reads what is needed to reconcile; runs under the lock, changes nothing.
  ///   - perform: does the work; runs after the journal has the plan.
  func mutate(
    _ mutation: Mutation, on storeid: String, _ caller: Caller, choose: @escaping Choose, perform: @escaping Perform
  ) async throws(StorageError) -> JSON {
    let digest = Fingerprint.of(mutation.method, storeid, mutation.request)
    if let key = caller.idempotencyKey, let known = try await admitted(key, digest) { return try replay(known) }
    try checkOpen(caller)
    let leases = try await lock(mutation, on: storeid, caller)
    let result: Result<JSON, StorageError>
    do throws(StorageError) {
      result = .success(
        try await underLock(mutation, storeid, caller, digest, leases, choose: choose, perform: perform))
    } catch { result = .failure(error) }
    await giveBack(leases, after: result.thrown)
    return try result.get()
  }

  private func underLock(
    _ mutation: Mutation, _ storeid: String, _ caller: Caller, _ digest: String, _ leases: [Lease], choose: Choose,
    perform: @escaping Perform
  ) async throws(StorageError) -> JSON {
    let storage = try await registry.storage(storeid)
    var run = CallRun(caller)
    run.timeout = smallest(caller.timeout, mutation.timeout)
    run.lock = leases.last.map { lease in
      CallRun.Lock(
        name: lease.name.description, scope: mutation.needsStorageLock ? "storage" : "volume",
        token: lease.token.rawValue, ttl: lease.ttl)
    }
    let plan = try await choose(storage, run)
    let owner = OperationID.make(at: settings.wallClock()).rawValue
    reservations.add(storeid, try await keys(plan.reserved, on: storeid), by: owner)
    defer { reservations.remove(storeid, by: owner) }
    // Choosing is the host's own time; the plugin's work gets all of the lease's.
    try await renew(leases)
    let record: JournalRecord
    switch try await begin(mutation, storeid, caller, digest, run.lock?.token, plan) {
    case .replay(let known): return try replay(known)
    case .begin(let fresh): record = fresh
    }
    run.idempotencyKey = record.id.rawValue
    run.firstKey = record.id.rawValue
    inFlight.add(record.id)
    defer { inFlight.remove(record.id) }
    caller.job?.log(.debug, "\(mutation.method) on \(storeid) begins as \(record.id)")
    let result: JSON
    do throws(StorageError) {
      result = try await perform(storage, plan, run)
    } catch {
      return try await failed(mutation, storage, plan, record, run, leases, error)
    }
    try await settle(record, .done(result))
    await closeReported(by: record)
    return result
  }

  /// Finds out what a failed call left behind, records it, and says so.
  private func failed(
    _ mutation: Mutation, _ storage: Storage, _ plan: Plan, _ record: JournalRecord, _ run: CallRun,
    _ leases: [Lease], _ error: StorageError
  ) async throws(StorageError) -> JSON {
    guard error.needsReconciling, !error.maySurvive else {
      if error.maySurvive {
        let hint = "when its processes are gone: berth reconcile \(storage.id)"
        try await settle(record, .reported(error.with(outcome: .unknown, hint: hint), hint: hint))
        throw error.with(outcome: .unknown, hint: hint)
      }
      try await settle(record, .failed(error))
      throw error
    }
    let intent = await uncancelled { await self.noted(error, plan.intent, record) }
    let verdict = await uncancelled { await self.verdict(mutation, intent, storage, run, leases) }
    switch verdict {
    case .success(.done(let result)):
      let final = result.isNull ? plan.result : result
      logger.notice("\(mutation.method): the answer was lost, the work is done", metadata: ["storeid": "\(storage.id)"])
      try await settle(record, .done(final))
      return final
    case .success(.undone(let what)):
      let final = error.with(outcome: .rolledBack, hint: "\(what); repeat the request")
      try await settle(record, .failed(final))
      throw final
    case .success(.reported(let what, let hint)):
      let final = error.with(outcome: .partial, hint: "\(what); to repair: \(hint)")
      try await settle(record, .reported(final, hint: hint))
      throw final
    case .failure(let unreachable):
      // The record stays open; reconciling tries again until the storage answers.
      await keepOpen(record)
      logger.error(
        "\(mutation.method): outcome unknown, storage does not answer: \(unreachable.message)",
        metadata: ["storeid": "\(storage.id)"])
      throw error.with(
        outcome: .unknown, hint: "the host asks again by itself; to ask now: berth reconcile \(storage.id)")
    }
  }

  /// Asks the storage; frees what is half-made under the storage's own lock, as every change of its names.
  private func verdict(
    _ mutation: Mutation, _ intent: JSONObject, _ storage: Storage, _ run: CallRun, _ held: [Lease]
  ) async -> Result<Verdict, StorageError> {
    do throws(StorageError) {
      try await renew(held)
      var leases: [Lease] = []
      let isHeld = mutation.needsStorageLock || storage.facts.needsStorageLockForVolumes
      if !isHeld, Resolver.changesNames.contains(mutation.method) {
        var caller = Caller(actor: run.actor)
        caller.traceparent = run.traceparent
        let whole = Mutation(method: mutation.method, request: [:], needsStorageLock: true)
        leases = try await lock(whole, on: storage.id, caller)
        try await renew(held)
      }
      let verdict: Result<Verdict, StorageError>
      do throws(StorageError) {
        verdict = .success(try await Resolver.resolve(mutation.method, intent, on: storage, run.afterwards))
      } catch { verdict = .failure(error) }
      await giveBack(leases, after: verdict.thrown)
      return verdict
    } catch { return .failure(error) }
  }

  /// The intent with the name a plugin said it used instead of ours: reconciling looks for that one too.
  private func noted(_ error: StorageError, _ intent: JSONObject, _ record: JournalRecord) async -> JSONObject {
    guard let stray = error.details["returned"]?.stringValue else { return intent }
    var intent = intent
    intent["returned"] = .string(stray)
    do throws(JobsError) { try await journal.amend(record.id, intent: .object(intent)) } catch {
      logger.error("the journal record \(record.id) could not be amended: \(error)")
    }
    return intent
  }
}
