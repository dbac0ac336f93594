// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Jobs
public import StorageProtocol

extension StorageHost {
  /// Begins an operation as a job: its progress, log and result stay visible after the caller has gone, and it can be
  /// cancelled.
  ///
  /// A repeated request with the same idempotency key gets the first job, whatever has become of it; one that left
  /// nothing behind is tried again.
  /// - Returns: the job; wait for its end with ``waitJob(_:timeout:)``.
  /// - Throws: IDEMPOTENCY_CONFLICT when the key came with other parameters, OVERLOADED when too many jobs wait.
  public func start(_ operation: HostOperation, _ caller: Caller) async throws(StorageError) -> Job {
    try checkOpen(caller)
    try InputChecks.storeid(operation.storeid)
    if operation.kind != HostOperation.addsStorage { try mustBeConfigured(operation.storeid) }
    let request = JobRequest(
      kind: operation.kind, storeid: operation.storeid, title: operation.title, owner: caller.actor,
      idempotencyKey: caller.idempotencyKey,
      paramsDigest: Fingerprint.of(operation.kind, operation.storeid, operation.request),
      takesPlace: !operation.isConfiguration)
    let body = operation.body
    do throws(JobsError) {
      return try await jobStore.submit(request) { (handle) async throws(StorageError) in
        var inner = caller
        inner.job = handle
        return try await body(self, inner)
      }
    } catch { throw StorageError(error) }
  }

  /// Runs an operation whose data goes through the caller, as a job that ends with its caller: when the caller's task
  /// is cancelled, the job is.
  /// - Throws: what the job failed with; IN_PROGRESS for a repeated request while the first one runs, because the data
  ///   of the second goes nowhere.
  public func attached(_ operation: HostOperation, _ caller: Caller) async throws(StorageError) -> JSON {
    let job = try await start(operation, caller)
    guard !job.isRepeated || job.state.isFinal else {
      throw .make(
        .inProgress, "\(job.kind) with this idempotency key is still running as job \(job.id)", outcome: .notStarted,
        hint: "berth job wait \(job.id), then repeat the request to get its result",
        more: ["operation": .string(job.id.rawValue)])
    }
    let ended = await withTaskCancellationHandler {
      await uncancelled { () async -> Result<Job, StorageError> in
        do throws(StorageError) { return .success(try await self.waitJob(job.id)) } catch { return .failure(error) }
      }
    } onCancel: {
      Task { _ = try? await self.cancelJob(job.id, caller) }
    }
    return try ended.get().outcome()
  }

  /// Gives an interrupted job the end that was found for its operation.
  func endJob(_ record: JournalRecord, _ end: Result<JSON, StorageError>) async throws(JobsError) {
    guard let id = record.job else { return }
    let job = try await jobStore.job(id)
    var end = HostOperation.end(of: job.kind, title: job.title, record.method, end)
    if case .success = end { end = try await told(job, record, end) }
    try await jobStore.resolve(id, end)
  }

  /// The end with all that the job would have told, had it told it itself.
  private func told(
    _ job: Job, _ record: JournalRecord, _ end: Result<JSON, StorageError>
  ) async throws(JobsError) -> Result<JSON, StorageError> {
    switch (job.kind, record.method) {
    case ("move", "free_image"):
      // Removing the source was its last step; what it made is written in the step before.
      let copy = try await journal.records(of: job.id).first { $0.method == "volume_import" && $0.state == .done }
      return .success(copy?.result ?? .null)
    case (HostOperation.changesVolume, "update_volume_attribute") where record.intent["attribute"] == "notes":
      return .failure(
        .make(
          .shuttingDown, "\(job.title): the daemon stopped when the notes were changed and the protection was not",
          outcome: .partial, hint: "repeat it with a new idempotency key"))
    case (HostOperation.addsStorage, _), ("update_storage", _):
      do throws(StorageError) { return .success(HostOperation.told(try await storage(job.storeid))) } catch {
        return .success(.null)
      }
    default: return end
    }
  }
}

extension Job {
  /// The result of a job that has ended.
  /// - Throws: what it failed with.
  public func outcome() throws(StorageError) -> JSON {
    if let error { throw error }
    guard state == .done else {
      throw .make(
        .inProgress, "job \(id) is \(state.rawValue)", outcome: .unknown, hint: "berth job wait \(id)",
        more: ["operation": .string(id.rawValue)])
    }
    return result ?? .null
  }
}
