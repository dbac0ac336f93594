// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
public import Jobs
internal import Logging
internal import StorageConfig
internal import StorageProtocol

/// The one way in: every operation on plugins, storages, volumes and snapshots, for the management API and everything
/// else above.
///
/// One mutating operation = lock → activate → choose → journal → call → verify → settle. A plugin is never talked to
/// by anything but this; the journal, the locks and the configuration have no other writer.
public final class StorageHost: Sendable {
  public let settings: HostSettings
  /// Long work: `start` runs any operation as a job.
  public let jobStore: JobStore
  public let journal: Journal
  let database: JobDatabase
  let notes: Notes
  let locks: EmbeddedLocks
  let registry: StorageRegistry
  let reservations = Reservations()
  let readers = VolumeReaders()
  let inFlight = InFlight()
  let turns = SerialStreams()
  let openOperations = OpenOperations()
  let reconciling = Reconciling()
  let shown = ShownValues()
  let sampler: StatusSampler
  let daemonLock: DaemonLock
  let tasks = BackgroundTasks()
  /// Whether new operations are taken.
  let isAdmitting = MutexBox(true)
  let pendingSettlements = PendingSettlements()
  var logger: Logger { settings.logger }

  init(
    settings: HostSettings, database: JobDatabase, jobStore: JobStore, locks: EmbeddedLocks,
    registry: StorageRegistry, daemonLock: DaemonLock, ages: RecordAge
  ) {
    self.settings = settings
    self.database = database
    self.jobStore = jobStore
    self.locks = locks
    self.registry = registry
    self.daemonLock = daemonLock
    journal = Journal(database, now: settings.wallClock, ages: ages)
    notes = Notes(database)
    sampler = StatusSampler(
      interval: settings.statusInterval, restingInterval: settings.restingStatusInterval, now: settings.wallClock)
  }

  /// Refuses what is new while the daemon stops; the further steps of a job that runs are not.
  func checkOpen(_ caller: Caller) throws(StorageError) {
    guard isAdmitting.value || caller.job != nil else {
      throw .refused(
        .shuttingDown, "the daemon is stopping and takes no new operations", hint: "repeat after its restart")
    }
  }

  /// Runs work beside the operations until the host closes.
  func background(_ body: @escaping @Sendable (StorageHost) async -> Void) {
    tasks.start { [weak self] in
      guard let self else { return }
      await body(self)
    }
  }
}
