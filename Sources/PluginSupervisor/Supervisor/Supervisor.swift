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

  private var entries: [String: Entry] = [:]
  private var candidates: [ObjectIdentifier: (instance: PluginInstance, plugin: String, key: String)] = [:]
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
  /// Ask with the same storage as long as nothing about it changed; after a change ``remove(_:reason:)`` it first.
  public func instance(
    for storage: SupervisedStorage, services: any HostServices
  ) throws(StorageError) -> PluginInstance {
    if isDraining {
      throw StorageError(.shuttingDown, "the host is going down and starts no plugins", outcome: .notStarted)
    }
    let isShared = storage.bundle.manifest.process == .perPlugin
    let key = isShared ? "plugin/\(storage.bundle.id)" : "storage/\(storage.storeid)"
    if var entry = entries[key] {
      if isShared, entry.storages[storage.storeid]?.permissions != storage.permissions {
        // The running child lacks what this storage was granted: the next start has it all.
        let instance = entry.instance
        Task { try? await instance.stop(reason: "a storage was added to it") }
      }
      entry.storages[storage.storeid] = storage
      entries[key] = entry
      return entry.instance
    }
    let name = isShared ? storage.bundle.id : storage.storeid
    let instance = makeInstance(
      storage, name: name, storeid: isShared ? nil : storage.storeid, services: services
    ) { [weak self] in
      await self?.permissions(of: key) ?? storage.permissions
    }
    entries[key] = Entry(instance: instance, storages: [storage.storeid: storage])
    return instance
  }

  /// A short-lived instance for a storage that does not exist yet, with the grants its configuration would get and
  /// nothing of a state. End it with ``finish(_:)``.
  public func candidate(
    for storage: SupervisedStorage, services: any HostServices
  ) throws(StorageError) -> PluginInstance {
    if isDraining {
      throw StorageError(.shuttingDown, "the host is going down and starts no plugins", outcome: .notStarted)
    }
    let name = "candidate-\(nextCandidate)"
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
    await giveBack(plugin: known.plugin, key: known.key)
    let directories = InstanceDirectories(settings, name: known.key)
    await settings.broker?.release(holder: known.key, directory: directories.broker)
    await OwnThread.run { directories.remove() }
  }

  /// Ends the instance of a storage in an orderly way: its configuration changed, or it is removed.
  ///
  /// A shared instance goes on for the plugin's other storages.
  public func remove(_ storeid: String, reason: String) async throws(StorageError) {
    guard let key = entries.first(where: { $0.value.storages[storeid] != nil })?.key, var entry = entries[key] else {
      return
    }
    entry.storages[storeid] = nil
    entries[key] = entry.storages.isEmpty ? nil : entry
    if entry.storages.isEmpty {
      try await entry.instance.close(reason: reason)
    } else {
      try await entry.instance.stop(reason: reason)
    }
  }

  /// Forgets everything kept for a storage that is gone: its user id, its state, its stream directory.
  public func forget(_ storeid: String, plugin: String) async throws(StorageError) {
    try await remove(storeid, reason: "its storage was removed")
    await giveBack(plugin: plugin, key: storeid)
    let directories = InstanceDirectories(settings, name: storeid)
    await settings.broker?.release(holder: storeid, directory: directories.broker)
    await OwnThread.run { directories.remove() }
  }

  /// The instance of a storage, when there is one.
  public subscript(storeid: String) -> PluginInstance? {
    entries.values.first { $0.storages[storeid] != nil }?.instance
  }

  // MARK: - All of them

  /// What every instance is doing, sorted by plugin and storage.
  public func status() async -> [InstanceStatus] {
    var all: [InstanceStatus] = []
    for entry in entries.values { all.append(await entry.instance.detailedStatus()) }
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

  private func permissions(of key: String) -> Permissions? {
    guard let storages = entries[key]?.storages.sorted(by: { $0.key < $1.key }).map(\.value), let first = storages.first
    else { return nil }
    return storages.dropFirst().reduce(first.permissions) { $0.union($1.permissions) }
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
    isCandidate: Bool = false, permissions: @escaping @Sendable () async -> Permissions
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
    configuration.secretNames =
      storeid == nil
      ? bundle.manifest.storageTypes.reduce(into: []) { $0.formUnion($1.sensitiveProperties) } : storage.secretNames
    configuration.hostServices = storage.hostServices
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
      plan.stateDirectory = isCandidate ? nil : directories.state
      if let owner, !isCandidate {
        let size = plan.permissions.runtime.stateSpace ?? settings.limits.stateSpace
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
      plan.limits = settings.limits
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
