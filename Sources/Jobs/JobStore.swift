// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// Runs long work as jobs and remembers them: state, progress, log, result.
///
/// A job survives a restart as `interrupted`; whoever owns the journal resolves it. At most `limits.running` run
/// at once and `limits.runningPerStorage` on one storage, the others wait in the order they came.
public actor JobStore {
  /// The work of a job. Cancellation arrives as cancellation of the task it runs in.
  public typealias Body = @Sendable (JobHandle) async throws(StorageError) -> JSON

  struct Running {
    var job: Job
    let handle: JobHandle
    let body: Body
    /// Whether it counts towards the limits.
    let takesPlace: Bool
  }

  let database: JobDatabase
  let limits: JobLimits
  let now: @Sendable () -> Int64
  let ages: RecordAge
  /// Queued and running jobs.
  var active: [OperationID: Running] = [:]
  /// Queued jobs in the order they came.
  var queue: [OperationID] = []
  var runningCount = 0
  /// How many run on each storage.
  var runningOn: [String: Int] = [:]
  var waiters: [OperationID: [Waiter]] = [:]
  var nextWaiter = 0
  var isDraining = false
  var flusher: Task<Void, Never>?

  /// - Parameters:
  ///   - now: the time in milliseconds since the epoch.
  ///   - ages: judges the age of jobs by the same clock.
  public init(
    _ database: JobDatabase, limits: JobLimits = JobLimits(),
    now: @escaping @Sendable () -> Int64 = Clock.milliseconds, ages: RecordAge? = nil
  ) {
    self.database = database
    self.limits = limits
    self.now = now
    self.ages = ages ?? RecordAge(wall: now)
  }

  /// Starts a job, or returns the one the same idempotency key started before.
  ///
  /// A first job that ended without leaving anything behind does not bind its key: the work is tried again.
  /// - Throws: `.idempotencyConflict`, `.overloaded`, `.closed` while draining, `.journalFull`.
  public func submit(_ request: JobRequest, body: @escaping Body) async throws(JobsError) -> Job {
    guard !isDraining else {
      throw JobsError(.closed, "the daemon is stopping and takes no new jobs", hint: "repeat after its restart")
    }
    if request.takesPlace { try checkRoom(request.storeid) }
    let time = now()
    let fresh = Job(
      id: OperationID.make(at: time), kind: request.kind, storeid: request.storeid, title: request.title,
      owner: request.owner, state: .queued, created: time)
    let job = try await database.write { db in
      if let known = try Job.claimed(db, by: request) { return known }
      try fresh.insert(db, request: request)
      return fresh
    }
    guard job.id == fresh.id else {
      var first = current(job)
      first.isRepeated = true
      return first
    }
    let handle = JobHandle(id: job.id, limits: limits, now: now)
    active[job.id] = Running(job: job, handle: handle, body: body, takesPlace: request.takesPlace)
    queue.append(job.id)
    startNext()
    startFlusher()
    return job
  }

  private func checkRoom(_ storeid: String) throws(JobsError) {
    let hint = "repeat later, with the same idempotency key"
    guard queue.count < limits.queued else {
      throw JobsError(.overloaded, "\(queue.count) jobs are waiting already", hint: hint)
    }
    let waiting = queue.count { active[$0]?.job.storeid == storeid }
    guard waiting < limits.queuedPerStorage else {
      throw JobsError(.overloaded, "\(waiting) jobs are waiting for storage '\(storeid)' already", hint: hint)
    }
  }

  /// The job with this id, as it is now.
  public func job(_ id: OperationID) async throws(JobsError) -> Job {
    if let running = active[id] { return current(running.job) }
    guard let job = try await database.read({ db in try Job.fetch(db, id) }) else { throw Self.unknown(id) }
    return current(job)
  }

  /// Asks a job to stop. A queued one is cancelled at once, a running one ends by itself: done if it was too late.
  public func cancel(_ id: OperationID) async throws(JobsError) -> Job {
    guard let running = active[id] else {
      let job = try await job(id)
      guard !job.state.isFinal else { return job }
      throw JobsError(
        .invalidState, "job \(id) is \(job.state.rawValue)", hint: "reconcile its storage", subject: id.rawValue)
    }
    running.handle.cancel()
    running.handle.log(.notice, "cancel requested")
    if let place = queue.firstIndex(of: id) {
      queue.remove(at: place)
      await finish(
        id,
        .failure(
          StorageError(.cancelled, "cancelled before it started", outcome: .notStarted)))
    }
    return try await job(id)
  }

  static func unknown(_ id: OperationID) -> JobsError {
    JobsError(
      .notFound, "there is no job '\(id)'", hint: "finished jobs are kept for a limited time; see the job list",
      subject: id.rawValue)
  }

  /// The stored job with what only memory knows.
  func current(_ job: Job) -> Job {
    guard let running = active[job.id] else { return job }
    var job = running.job
    job.progress = running.handle.progress
    job.isCancelling = running.handle.isCancelling
    return job
  }
}
