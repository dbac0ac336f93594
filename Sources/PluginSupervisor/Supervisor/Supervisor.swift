// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSONRPC
public import Logging
public import PluginSandbox
public import StorageProtocol

/// Keeps the instances of all storages: one each, or one a plugin where its manifest asks for that.
public actor Supervisor {
  struct Entry {
    let instance: PluginInstance
    var storages: [String: SupervisedStorage]
  }

  public nonisolated let settings: SupervisorSettings
  let launcher: any PluginLauncher
  let uids: UIDAllocator
  /// The I/O thread of every child; shared with whoever talks to plugins.
  public nonisolated let reactor: Reactor
  let logger: Logger

  /// By the names of their directories.
  private var entries: [String: Entry] = [:]
  private var candidates: [ObjectIdentifier: (instance: PluginInstance, plugin: String, name: String)] = [:]
  private var nextCandidate = 1
  private var isDraining = false

  /// - Parameters:
  ///   - launcher: starts the processes; `SandboxLauncher` in the daemon.
  ///   - uids: gives every (plugin, storage) its user id; unused in unprivileged mode.
  public init(
    settings: SupervisorSettings, launcher: any PluginLauncher, uids: UIDAllocator, logger: Logger
  ) throws(ReactorError) {
    self.settings = settings
    self.launcher = launcher
    self.uids = uids
    self.logger = logger
    reactor = try Reactor(name: "berth-plugins")
  }

  // MARK: - Instances

  /// The instance that serves a storage; made on first use, its child starts with the first call.
  ///
  /// Ask with the same storage as long as nothing about it changed; after a change ``remove(_:reason:isUrgent:)`` it
  /// first. A shared process that lacks what this storage was granted is stopped: ask ``needsRestart(for:)`` before, and
  /// wait until nobody uses it.
  public func instance(
    for storage: SupervisedStorage, services: any HostServices
  ) async throws(StorageError) -> PluginInstance {
    try checkOpen()
    let name = InstanceDirectories.name(of: storage)
    if var entry = entries[name] {
      let isLacking = needsRestart(for: storage)
      entry.storages[storage.storeid] = storage
      entries[name] = entry
      // The next start has it all.
      if isLacking { try await entry.instance.stop(reason: "a storage was added to it") }
      return entry.instance
    }
    let access: @Sendable () async -> [String: StorageAccess] = { [weak self] in await self?.access(name) ?? [:] }
    let instance = makeInstance(
      storage, name: name, storeid: storage.isShared ? nil : storage.storeid, services: services,
      shared: storage.isShared ? access : nil
    ) { [weak self] in
      await self?.permissions(of: name) ?? storage.permissions
    }
    entries[name] = Entry(instance: instance, storages: [storage.storeid: storage])
    return instance
  }

  /// Whether a process runs for the plugin's other storages that lacks something this one was granted.
  public func needsRestart(for storage: SupervisedStorage) -> Bool {
    guard storage.isShared, let entry = entries[InstanceDirectories.name(of: storage)], entry.instance.isRunning
    else { return false }
    let others = entry.storages.filter { $0.key != storage.storeid }
    return Self.union(entry.storages) != Self.union(others.merging([storage.storeid: storage]) { $1 })
  }

  /// A short-lived instance for a storage that does not exist yet, with the grants its configuration would get and
  /// nothing of a state. End it with ``finish(_:)``.
  public func candidate(
    for storage: SupervisedStorage, services: any HostServices
  ) throws(StorageError) -> PluginInstance {
    try checkOpen()
    let name = InstanceDirectories.candidateName(nextCandidate)
    nextCandidate += 1
    let permissions = storage.permissions
    let instance = makeInstance(
      storage, name: name, storeid: storage.storeid, services: services, isCandidate: true
    ) { permissions }
    candidates[ObjectIdentifier(instance)] = (instance, storage.bundle.id, name)
    return instance
  }

  /// Ends a candidate and gives back its user id.
  public func finish(_ candidate: PluginInstance) async {
    guard let known = candidates.removeValue(forKey: ObjectIdentifier(candidate)) else { return }
    do throws(StorageError) {
      try await candidate.close(reason: "it is not needed any more")
    } catch {
      // Its user id is not handed out again while something of it lives.
      logger.critical("\(error.message)")
      return
    }
    await forget(name: known.name, plugin: known.plugin)
  }

  /// Ends the instance of a storage in an orderly way: its configuration changed, or it is removed.
  ///
  /// A shared instance goes on for the plugin's other storages. What only this one was granted ends with the process:
  /// at once when that is urgent (it was taken back), else as soon as no call runs.
  public func remove(_ storeid: String, reason: String, isUrgent: Bool = false) async throws(StorageError) {
    guard let key = entries.first(where: { $0.value.storages[storeid] != nil })?.key, var entry = entries[key] else {
      return
    }
    let before = Self.union(entry.storages)
    entry.storages[storeid] = nil
    entries[key] = entry.storages.isEmpty ? nil : entry
    if entry.storages.isEmpty {
      try await entry.instance.close(reason: reason)
    } else if Self.union(entry.storages) != before {
      if isUrgent {
        try await entry.instance.stop(reason: reason)
      } else {
        await entry.instance.stopWhenIdle(reason: reason)
      }
    }
  }

  /// Forgets everything kept for a storage that is gone: what the broker holds for it, its user id, its state, its stream
  /// directory.
  ///
  /// - Parameter isLast: whether the plugin has no other storage: then what its shared process had goes too.
  public func forget(_ storeid: String, plugin: String, isLast: Bool) async throws(StorageError) {
    try await remove(storeid, reason: "its storage was removed")
    await forget(name: storeid, plugin: plugin)
    let shared = InstanceDirectories.sharedName(plugin)
    if isLast, entries[shared] == nil { await forget(name: shared, plugin: plugin) }
  }

  private func forget(name: String, plugin: String) async {
    await giveBack(plugin: plugin, key: name)
    let directories = InstanceDirectories(settings, name: name)
    await settings.broker?.release(holder: name, directory: directories.broker)
    await OwnThread.run { directories.remove() }
  }

  /// The directory below which the broker shows to a storage's plugin what it made: `mounts` and `dev`.
  public nonisolated static func brokerDirectory(of storage: SupervisedStorage, in runDirectory: String) -> String {
    "\(runDirectory)/\(InstanceDirectories.name(of: storage))"
  }

  /// The instance of a storage, when there is one.
  public subscript(storeid: String) -> PluginInstance? {
    entries.values.first { $0.storages[storeid] != nil }?.instance
  }

  // MARK: - All of them

  /// What every instance is doing, sorted by plugin and storage.
  ///
  /// - Parameter isScored: look at every running process from outside for its score; takes a moment for each.
  public func status(isScored: Bool = true) async -> [InstanceStatus] {
    var all: [InstanceStatus] = []
    for entry in entries.values {
      all.append(isScored ? await entry.instance.detailedStatus() : await entry.instance.status)
    }
    return all.sorted { ($0.plugin, $0.storeid ?? "") < ($1.plugin, $1.storeid ?? "") }
  }

  /// Ends every instance for good, side by side; nothing starts any more.
  ///
  /// - Returns: what could not be ended.
  @discardableResult
  public func drain(reason: String) async -> [StorageError] {
    isDraining = true
    let all = entries.values.map(\.instance) + candidates.values.map(\.instance)
    entries = [:]
    candidates = [:]
    let left = await withTaskGroup(of: StorageError?.self) { group in
      for instance in all {
        group.addTask {
          do throws(StorageError) {
            try await instance.close(reason: reason)
            return nil
          } catch {
            return error
          }
        }
      }
      var left: [StorageError] = []
      for await error in group { if let error { left.append(error) } }
      return left
    }
    guard left.isEmpty else { return left }
    // The daemon's own control group goes with the last instance.
    do throws(SandboxError) { try await launcher.removeLeftovers() } catch {
      logger.warning("control groups are left: \(error)")
    }
    return []
  }

  /// Removes what an earlier daemon left behind: processes, cgroups, FIFOs. Once, before the first instance.
  public func removeLeftovers() async {
    do throws(SandboxError) {
      try await launcher.removeLeftovers()
    } catch {
      logger.error("could not remove all that an earlier run left: \(error)")
    }
    let settings = settings
    let removed = await OwnThread.run { InstanceDirectories.removeAllStreams(settings) }
    if removed > 0 { logger.notice("removed \(removed) streams of an earlier run") }
  }

  // MARK: - Parts

  private func checkOpen() throws(StorageError) {
    guard isDraining else { return }
    throw StorageError(.shuttingDown, "the host is going down and starts no plugins", outcome: .notStarted)
  }

  private func permissions(of name: String) -> Permissions? { entries[name].flatMap { Self.union($0.storages) } }

  /// What each storage of a shared process may ask of the host.
  private func access(_ name: String) -> [String: StorageAccess] {
    entries[name]?.storages.mapValues { storage in
      var access = StorageAccess(
        permissions: storage.permissions, hostServices: storage.hostServices, secretNames: storage.secretNames)
      if settings.broker == nil { access.hostServices.subtract(storage.brokerServices) }
      return access
    } ?? [:]
  }

  private static func union(_ storages: [String: SupervisedStorage]) -> Permissions? {
    let all = storages.sorted { $0.key < $1.key }.map(\.value.permissions)
    guard let first = all.first else { return nil }
    return all.dropFirst().reduce(first) { $0.union($1) }.ordered
  }

  private func giveBack(plugin: String, key: String) async {
    guard settings.mode == .privileged else { return }
    do throws(SandboxError) {
      try await uids.release(plugin: plugin, storage: key)
    } catch {
      logger.error("cannot give back the user id of \(key): \(error)")
    }
  }

  private func makeInstance(
    _ storage: SupervisedStorage, name: String, storeid: String?, services: any HostServices,
    isCandidate: Bool = false, shared: (@Sendable () async -> [String: StorageAccess])? = nil,
    permissions: @escaping @Sendable () async -> Permissions
  ) -> PluginInstance {
    let settings = settings
    let uids = uids
    let logger = logger
    let bundle = storage.bundle
    let optionalServices = storage.optionalServices
    let directories = InstanceDirectories(settings, name: name)
    var configuration = InstanceConfiguration(
      bundle: bundle, storeid: storeid, storageType: storeid == nil ? nil : storage.type, host: settings.host,
      streamsPath: directories.streams)
    configuration.secretNames = storage.secretNames
    configuration.hostServices = storage.hostServices
    configuration.sharedAccess = shared
    // What nobody here can do is not offered, whatever was granted.
    if let broker = settings.broker {
      // What the plugin needs is offered all the same: asking for it then says what the host lacks.
      let optional = configuration.hostServices.intersection(optionalServices)
      if !optional.isEmpty { configuration.withheldServices = { await broker.unavailable(of: optional) } }
    } else {
      configuration.hostServices.subtract(storage.brokerServices)
    }
    configuration.copies = settings.copies
    settings.adjust(&configuration)
    return PluginInstance(
      configuration: configuration, launcher: launcher, services: services, reactor: reactor, logger: logger
    ) { epoch async throws(StorageError) -> LaunchPlan in
      var uid: UInt32 = 0
      if settings.mode == .privileged {
        do throws(SandboxError) {
          uid = try await uids.uid(plugin: bundle.id, storage: name)
        } catch {
          throw StorageError(error)
        }
      }
      let owner = settings.mode == .privileged ? uid : nil
      if let error = await OwnThread.run({ directories.prepare(owner: owner) }) { throw error }
      var plan = LaunchPlan(
        instance: "\(name)-\(epoch)", mode: settings.mode, bundle: bundle.path,
        executable: bundle.manifest.executable, permissions: await permissions(), uid: uid)
      plan.limits = settings.limits
      plan.stateDirectory = isCandidate ? nil : directories.state
      if let owner, !isCandidate {
        let size = plan.effectiveLimits.stateSpace
        if await OwnThread.run({ StateImage.isAvailable() }) {
          if let error = await OwnThread.run({ directories.prepareImage(size: size, owner: owner) }) { throw error }
          plan.stateImage = directories.image
        } else {
          logger.warning("the state of \(name) has no size limit: this host has no loop devices or no mkfs.ext4")
        }
      }
      plan.streamsDirectory = directories.streams
      plan.holder = name
      if let broker = settings.broker,
        await plan.permissions.needsBrokerDirectory(without: optionalServices, broker)
      {
        try await broker.prepare(directories.broker)
        plan.brokerDirectory = directories.broker
      }
      if let required = settings.required { plan.required = required }
      return plan
    }
  }
}

extension InstanceDirectories {
  /// Removes the FIFOs of every instance below the run directory. Blocks.
  static func removeAllStreams(_ settings: SupervisorSettings) -> Int {
    directoryNames(at: settings.runDirectory).reduce(0) { sum, name in
      sum + StreamDirectory(path: "\(settings.runDirectory)/\(name)/streams", owner: nil).removeLeftovers()
    }
  }
}
