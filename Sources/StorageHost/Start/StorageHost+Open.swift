// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Broker
internal import ClusterLocks
internal import JSON
internal import Jobs
internal import Logging
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// Opens the state directory and everything in it: the ordinary start, and the recovery after a crash.
  ///
  /// What became of interrupted operations is asked beside everything else, each storage by itself: one that does not
  /// answer keeps nobody waiting but those who want the volumes of its operations; see ``recovered()``.
  /// - Throws: naming the process that has the directory, or the file that cannot be used.
  public static func open(_ settings: HostSettings) async throws(StorageError) -> StorageHost {
    for directory in [settings.stateDirectory, settings.pluginStateDirectory] {
      try makeDirectory(directory)
    }
    try makeDirectory(settings.runDirectory)
    let daemonLock = try DaemonLock(path: settings.daemonLockPath)
    let database: JobDatabase
    do throws(JobsError) { database = try JobDatabase(path: settings.databasePath) } catch { throw StorageError(error) }
    let locks: EmbeddedLocks
    do throws(LockError) { locks = try settings.makeLocks(settings.locksPath) } catch {
      throw .refused(.storageUnavailable, "locks in \(settings.locksPath): \(error.message)", hint: nil)
    }
    let notes = Notes(database)
    let launcher = try SupervisorHouse.launcher(settings)
    let broker =
      settings.isPrivileged
      ? Broker(launcher: launcher, store: BrokerNotes(notes: notes), logger: settings.logger) : nil
    let house = try SupervisorHouse(settings, launcher: launcher, broker: broker)
    let config: ConfigStore
    do throws(ConfigError) {
      config = try await ConfigStore.open(directory: settings.stateDirectory, schema: StorageSchema())
    } catch { throw StorageError(error) }
    for note in config.notes { settings.logger.warning("\(note)", metadata: ["place": "\(settings.stateDirectory)"]) }
    let registry = StorageRegistry(
      config: config, house: house,
      services: StorageServices(config: config, notes: notes, locks: locks, broker: broker), consents: Consents(notes),
      node: settings.node, logger: settings.logger)
    // Before anything starts: new versions are tried at once.
    await house.removeLeftovers()
    await registry.rescan()
    let ages = RecordAge(wall: settings.wallClock, steady: settings.steadyClock)
    let host = StorageHost(
      settings: settings, database: database, jobStore: JobStore(database, now: settings.wallClock, ages: ages),
      locks: locks, registry: registry, daemonLock: daemonLock, ages: ages)
    try await host.recover(broker)
    return host
  }

  /// Cleans up after an earlier daemon and starts what runs beside the operations.
  private func recover(_ broker: Broker?) async throws(StorageError) {
    let storages = Set(registry.config.snapshot.entries.map(\.id))
    try await broker?.reconcile(storages: storages, runDirectory: settings.runDirectory)
    let asked: Set<String>
    do throws(JobsError) {
      let interrupted = try await jobStore.recover()
      let unfinished = try await journal.unfinished()
      for record in unfinished { await keepOpen(record) }
      asked = Set((unfinished + (try await journal.reported())).map(\.storeid))
      // A job whose operation had not begun left nothing behind.
      let known = Set(unfinished.compactMap(\.job))
      for job in interrupted where !known.contains(job.id) { try await settleJob(job) }
      logger.info(
        "state opened", metadata: ["unfinished": "\(unfinished.count)", "interrupted": "\(interrupted.count)"])
    } catch { throw StorageError(error) }
    for storeid in asked { reconcileSoon(storeid) }
    try await resumeCleanups()
    startSampling()
    startMaintenance()
  }

  /// Waits until every storage was asked what became of the operations that an earlier daemon left without an end.
  public func recovered() async {
    for storeid in reconciling.all { _ = await reconciling.ended(storeid, within: .seconds(3_600)) }
  }

  private func settleJob(_ job: Job) async throws(JobsError) {
    if let record = try await journal.records(of: job.id).first(where: { $0.state != .started }) {
      let result: Result<JSON, StorageError> = record.error.map { .failure($0) } ?? .success(record.result ?? .null)
      return try await endJob(record, result)
    }
    try await jobStore.resolve(
      job.id,
      .failure(
        .make(.shuttingDown, "the daemon stopped before the operation began", outcome: .notStarted, hint: "repeat it")))
  }

  private func startMaintenance() {
    background { host in
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(30))
        guard !Task.isCancelled else { return }
        await host.maintain()
      }
    }
  }

  /// One turn of maintenance: open operations are asked for, old records forgotten.
  func maintain() async {
    _ = try? await reconcileOpen()
    let age = Int64(settings.journalRetention / .milliseconds(1))
    _ = try? await journal.prune(olderThan: age)
    _ = try? await jobStore.prune()
  }

  /// Asks again about operations whose storage did not answer before.
  private func reconcileOpen() async throws(StorageError) {
    let open: [JournalRecord]
    do throws(JobsError) { open = try await journal.unfinished() } catch { throw StorageError(error) }
    if !pendingSettlements.all.isEmpty { await flushSettlements() }
    for storeid in Set(open.filter { !inFlight.contains($0.id) }.map(\.storeid)) { reconcileSoon(storeid) }
  }

  /// Takes no new operations and waits for the running ones, which go on to their last step.
  /// - Parameter grace: how long they may take before they are cancelled, and then again to end.
  public func drain(grace: Duration) async {
    // Who waits here may be cancelled; the jobs keep their time all the same.
    await uncancelled { await self.endJobs(within: grace) }
  }

  private func endJobs(within grace: Duration) async {
    isAdmitting.value = false
    for job in await jobStore.drain(grace: grace) {
      logger.warning("job \(job.id) did not end in time", metadata: ["storeid": "\(job.storeid)"])
    }
  }

  /// Ends the jobs as ``drain(grace:)`` does, then stops every plugin and lets go of the state directory.
  public func close(grace: Duration = .seconds(30)) async {
    await uncancelled { await self.shut(grace) }
  }

  private func shut(_ grace: Duration) async {
    await endJobs(within: grace)
    tasks.close()
    await tasks.drain()
    await registry.house.close()
    // What hung in a plugin's call has lost it now; the journal stays open for what it has to say.
    _ = await jobStore.drain(grace: .seconds(2))
    locks.close()
    do throws(JobsError) { try database.close() } catch { logger.warning("closing the journal: \(error)") }
    daemonLock.release()
  }

  private static func makeDirectory(_ path: String) throws(StorageError) {
    guard let problem = DiskWork.makeDirectories(path, mode: 0o711) else { return }
    throw .refused(.storageUnavailable, problem, hint: "check its parent's owner and mode")
  }
}
