// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import Jobs
internal import Logging
internal import StorageProtocol

extension StorageHost {
  func smallest(_ left: Duration?, _ right: Duration?) -> Duration? {
    guard let left, let right else { return left ?? right }
    return min(left, right)
  }

  func admitted(_ key: String, _ digest: String) async throws(StorageError) -> JournalRecord? {
    do throws(JobsError) { return try await journal.admit(key: key, paramsDigest: digest) } catch {
      throw StorageError(error)
    }
  }

  /// What the first request with the same key got.
  func replay(_ record: JournalRecord) throws(StorageError) -> JSON {
    if let error = record.error { throw error }
    return record.result ?? .null
  }

  /// Takes the locks of an operation: volumes first, in order, then the storage, so that nobody who waits for a busy
  /// volume keeps the whole storage waiting, and no two can wait for each other. Their time begins when all are held.
  /// - Parameter isReading: whether the volumes are only read; else those who read them are waited for.
  func lock(
    _ mutation: Mutation, on storeid: String, _ caller: Caller, isReading: Bool = false
  ) async throws(StorageError) -> [Lease] {
    let isCoarse = try await registry.facts(storeid).needsStorageLockForVolumes
    let budget = smallest(caller.timeout, mutation.timeout) ?? MethodFacts.timeout(mutation.method)
    var request = LockRequest(
      .storage(storeid), owner: caller.actor, operation: mutation.method, ttl: budget + .seconds(60),
      timeout: smallest(caller.timeout, settings.lockTimeout) ?? settings.lockTimeout)
    request.reclaim = { [registry] _ in
      guard let reason = await registry.kill(storeid) else { return .verifiedDead }
      return .unkillable(reason: reason)
    }
    let volumes = try await keys(mutation.volumes, on: storeid)
    if !mutation.isReconciling { try await waitForOpen(volumes, mutation.method, storeid, request.timeout) }
    let names = Set(volumes.map { LockName.volume(storeid, $0) })
    var leases: [Lease]
    do throws(LockError) { leases = try await locks.acquireAll(names, as: request) } catch {
      throw StorageError(error, lock: names.min() ?? request.name)
    }
    do throws(StorageError) {
      // One that was left open while this waited for the lock.
      if !mutation.isReconciling, let open = openOperations.first(storeid, volumes) { throw Self.unsettled(open) }
      if !isReading { try await waitForReaders(volumes, mutation.method, storeid, request.timeout, leases) }
      guard mutation.needsStorageLock || isCoarse else { return leases }
      do throws(LockError) { leases.append(try await locks.acquire(request)) } catch {
        throw StorageError(error, lock: request.name)
      }
      try await renew(leases)
      return leases
    } catch {
      await locks.releaseAll(leases)
      throw error
    }
  }

  /// Waits until it is known what became of earlier operations on the volumes, which their storage is asked for now.
  private func waitForOpen(
    _ volumes: [String], _ method: String, _ storeid: String, _ time: Duration
  ) async throws(StorageError) {
    for volume in volumes {
      guard let open = openOperations.first(storeid, [volume]) else { continue }
      reconcileSoon(storeid)
      guard await !openOperations.settled(storeid, volume, within: time) else { continue }
      guard !Task.isCancelled else { throw Self.cancelled(method, "\(storeid):\(volume)") }
      throw Self.unsettled(open)
    }
  }

  private static func unsettled(_ operation: OpenOperations.Entry) -> StorageError {
    let volumes = operation.volumes.sorted().map { "'\(operation.storeid):\($0)'" }.joined(separator: ", ")
    return .make(
      .volumeBusy,
      "\(volumes): it is not known yet what became of \(operation.method) \(operation.id), which was interrupted",
      outcome: .notStarted,
      hint: "the host asks the storage by itself; to see what it answers: berth reconcile \(operation.storeid)",
      more: ["operation": .string(operation.id.rawValue)])
  }

  private static func cancelled(_ method: String, _ volid: String) -> StorageError {
    .refused(.cancelled, "\(method) was cancelled while it waited for '\(volid)'", hint: nil)
  }

  private func waitForReaders(
    _ volumes: [String], _ method: String, _ storeid: String, _ time: Duration, _ leases: [Lease]
  ) async throws(StorageError) {
    for volname in volumes {
      let isFree = await readers.drained(storeid, volname, within: time)
      try await renew(leases)
      guard !isFree else { continue }
      guard !Task.isCancelled else { throw Self.cancelled(method, "\(storeid):\(volname)") }
      throw .refused(
        .volumeBusy, "'\(storeid):\(volname)' is being read by \(readers.count(storeid, volname)) clones or exports",
        hint: "wait for them: berth job list --storage \(storeid)")
    }
  }

  /// Begins to read volumes that others may read too.
  /// - Returns: what must be given back with `readers.end`.
  func beginReading(
    _ volnames: [String], _ method: String, on storeid: String, _ caller: Caller
  ) async throws(StorageError) -> [String] {
    guard !volnames.isEmpty else { return [] }
    let volumes = try await keys(volnames, on: storeid)
    // Whoever changes one of them now is waited for; whoever wants to later waits for us.
    let brief = Mutation(method: method, request: [:], volumes: volnames, needsStorageLock: false)
    let leases = try await lock(brief, on: storeid, caller, isReading: true)
    for volume in volumes { readers.begin(storeid, volume) }
    await locks.releaseAll(leases)
    return volumes
  }

  func begin(
    _ mutation: Mutation, _ storeid: String, _ caller: Caller, _ digest: String, _ token: UInt64?, _ plan: Plan
  ) async throws(StorageError) -> JournalAdmission {
    do throws(JobsError) {
      return try await journal.begin(
        JournalIntent(
          method: mutation.method, storeid: storeid, intent: .object(plan.intent), paramsDigest: digest,
          idempotencyKey: caller.idempotencyKey, token: token, actor: caller.actor, job: caller.job?.id))
    } catch { throw StorageError(error) }
  }

  /// Records the end of an operation. Only when this returns may the caller be told.
  func settle(_ record: JournalRecord, _ settlement: Settlement) async throws(StorageError) {
    let journal = journal
    let failure = await uncancelled { () async -> JobsError? in
      do throws(JobsError) {
        try await journal.settle(record.id, settlement)
        return nil
      } catch { return error }
    }
    guard let failure else { return }
    switch settlement {
    case .done:
      pendingSettlements.keep(record.id, settlement)
      throw .make(
        .storageUnavailable, "\(record.method) was done, but its end could not be recorded: \(failure.message)",
        outcome: .unknown, hint: "free space under the state directory, then: berth reconcile \(record.storeid)")
    case .failed(let error), .reported(let error, _):
      pendingSettlements.keep(record.id, settlement)
      logger.error("the end of \(record.id) could not be recorded: \(failure)")
      throw error
    }
  }
}

extension CallRun {
  /// For asking and cleaning up after a failed call: the same lock and actor, fresh deadlines, no key.
  var afterwards: CallRun {
    var run = self
    run.idempotencyKey = nil
    run.timeout = nil
    return run
  }
}
