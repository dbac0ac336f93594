// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import Logging
internal import PluginSandbox
internal import StorageConfig
internal import StorageProtocol

/// Knows which storages exist, which plugin serves each, and keeps one process for each of them.
actor StorageRegistry {
  struct Live {
    let plugin: any LivePlugin
    var activation: Activation
    /// What calls that begin now are told.
    var scfg: JSONObject
    let digest: String
    let grant: PermissionGrant
    /// Who uses its process now; one for all storages that share it.
    let uses: ProcessUses
    /// Whether its configuration was changed since the process was made: it ends once nobody uses it.
    var isOutdated = false

    /// Whether the process has all that the storage is to have now, and nothing that was taken back.
    func serves(_ resolved: ResolvedStorage, _ bundle: BundleFacts, _ grant: PermissionGrant) -> Bool {
      !isOutdated && scfg == resolved.config && digest == bundle.digest && self.grant == grant
    }

    /// Whether something that it was granted was taken back.
    func hasLost(_ grant: PermissionGrant) -> Bool {
      digest == grant.bundleDigest && !self.grant.permissions.isSubset(of: grant.permissions)
    }

    /// Whether what is to be served now needs no other permissions than the process was started with.
    func hasAll(_ resolved: ResolvedStorage, _ bundle: BundleFacts, _ grant: PermissionGrant) -> Bool {
      self.grant == grant
        && bundle.request.resolvedTemplates(scfg) == bundle.request.resolvedTemplates(resolved.config)
    }
  }

  let config: ConfigStore
  let house: any PluginHouse
  let services: StorageServices
  let consents: Consents
  let node: String
  let logger: Logger
  /// The bundles in force, and those that are refused.
  var bundles: [BundleFacts] = []
  /// Plugins that went while the daemon ran, by the types they served.
  var departed: [String: BundleFacts] = [:]
  /// Digests of bundles whose trial went well, and why that of others did not.
  var provedBundles: Set<String> = []
  var failedTrials: [String: String] = [:]
  /// Problems of bundles that are in the log already.
  var told: [String] = []
  /// The end of the queue of those who look at the plugin directories.
  var scanning: Task<Void, Never>?
  private var live: [String: Live] = [:]
  /// Ends of processes that are under way.
  private var closing: [String: Task<Void, Never>] = [:]

  /// How long an operation may be at work before the others go on with the older version beside it.
  static let patience = Duration.seconds(5)

  init(
    config: ConfigStore, house: any PluginHouse, services: StorageServices, consents: Consents, node: String,
    logger: Logger
  ) {
    self.config = config
    self.house = house
    self.services = services
    self.consents = consents
    self.node = node
    self.logger = logger
  }

  func bundle(serving type: String) -> BundleFacts? {
    bundles.first { bundle in bundle.problem == nil && bundle.types.contains { $0.type == type } }
  }

  /// The storage's type; works without starting anything.
  func facts(_ storeid: String) throws(StorageError) -> TypeFacts {
    let resolved = try resolved(storeid)
    return try facts(resolved).1
  }

  private func facts(_ resolved: ResolvedStorage) throws(StorageError) -> (BundleFacts, TypeFacts) {
    guard let bundle = bundle(serving: resolved.type),
      let facts = bundle.types.first(where: { $0.type == resolved.type })
    else { throw noPlugin(resolved.id, resolved.type) }
    return (bundle, facts)
  }

  private func resolved(_ storeid: String) throws(StorageError) -> ResolvedStorage {
    let resolved: ResolvedStorage
    do throws(ConfigError) { resolved = try config.snapshot.storage(storeid) } catch {
      if let type = config.snapshot[storeid]?.type, departed[type] != nil { throw noPlugin(storeid, type) }
      throw StorageError(error)
    }
    guard resolved.isAvailable(on: node) else {
      throw .refused(
        .storageUnavailable,
        resolved.isDisabled ? "storage '\(storeid)' is disabled" : "storage '\(storeid)' is not for node '\(node)'",
        hint: resolved.isDisabled ? "berth storage set \(storeid) --enable" : "see its property 'nodes'")
    }
    return resolved
  }

  /// The storage, ready to be asked; its process starts with the first call.
  ///
  /// As long as the answer is held, its process is not exchanged for another version of its plugin.
  func storage(_ storeid: String) async throws(StorageError) -> Storage {
    var hasLooked = false
    while true {
      let resolved = try resolved(storeid)
      let (bundle, facts) = try facts(resolved)
      let (entry, use) = try await entry(resolved, bundle)
      if !hasLooked, !entry.plugin.isRunning, await house.isStale(bundle) {
        // It would start now, and its bundle was changed: look which one it is before anything is planned with it.
        hasLooked = true
        await rescan()
        continue
      }
      let active = ActivePlugin(
        live: entry.plugin, activation: entry.activation,
        base: ["storeid": .string(storeid), "scfg": .object(entry.scfg)], use: use)
      return Storage(id: storeid, scfg: entry.scfg, facts: facts, plugin: active, grants: entry.plugin.grants)
    }
  }

  private func entry(
    _ resolved: ResolvedStorage, _ bundle: BundleFacts
  ) async throws(StorageError) -> (Live, ProcessUses.Use) {
    while true {
      let grant = try await consents.check(resolved.id, bundle, resolved.config)
      if let closing = closing[resolved.id] {
        await closing.value
        continue
      }
      if let entry = live[resolved.id] {
        if entry.serves(resolved, bundle, grant) { return (entry, entry.uses.enter()) }
        if entry.hasLost(grant) {
          await leave(sharing: entry, isUrgent: true)
          continue
        }
        // Another version or configuration: those who are at work finish first; whoever takes long keeps nobody waiting
        // for long.
        if await exchange(resolved.id, entry) { continue }
        guard var now = live[resolved.id], now.uses === entry.uses else { continue }
        if now.digest == bundle.digest {
          guard now.hasAll(resolved, bundle, grant) else { throw busy(resolved.id, now) }
          if now.scfg != resolved.config || !now.isOutdated {
            // Every call carries the configuration: those that begin now go by the new one, in the same process.
            now.scfg = resolved.config
            now.activation = Activation()
            now.isOutdated = true
            live[resolved.id] = now
            retire()
          }
        }
        return (now, now.uses.enter())
      }
      if try await house.needsRestart(
        bundle, storeid: resolved.id, type: resolved.type, scfg: resolved.config, grant: grant)
      {
        try await join(resolved, bundle, grant)
        continue
      }
      let plugin = try await house.instance(
        bundle, storeid: resolved.id, type: resolved.type, scfg: resolved.config, grant: grant, services: services)
      // Somebody else may have asked while this waited; the supervisor keeps one process a storage, so it is the same.
      guard live[resolved.id] == nil, closing[resolved.id] == nil else { continue }
      let uses = live.values.first { $0.plugin.process == plugin.process }?.uses ?? ProcessUses()
      let entry = Live(
        plugin: plugin, activation: Activation(), scfg: resolved.config, digest: plugin.digest, grant: grant,
        uses: uses)
      live[resolved.id] = entry
      let use = uses.enter()
      // What was revoked while this waited was not there yet to be closed.
      if try await consents.check(resolved.id, bundle, resolved.config) == grant, live[resolved.id]?.uses === uses {
        return (entry, use)
      }
    }
  }

  /// What a candidate may have: everything when its storage is being added (its caller agreed to that), else what was
  /// agreed to for the storage, and never more.
  func candidateGrant(_ storeid: String, _ bundle: BundleFacts) async throws(StorageError) -> PermissionGrant {
    let digest = bundle.digest ?? ""
    guard config.snapshot[storeid] != nil else {
      return PermissionGrant(everythingIn: bundle.request, bundleDigest: digest)
    }
    return try await consents.standing(storeid, bundle, nil).grant
      ?? PermissionGrant(bundleDigest: digest, permissions: [])
  }

  func state(_ storeid: String) async -> String? { await live[storeid]?.plugin.state() }

  func release(_ storeid: String) async -> Bool {
    guard let entry = live[storeid] else { return false }
    await entry.plugin.release()
    return true
  }

  /// Whether a process of the storage runs now.
  func isRunning(_ storeid: String) -> Bool { live[storeid]?.plugin.isRunning ?? false }

  /// Ends a process that was started for a look only, unless somebody has come to use it.
  func stopIfUnused(_ storeid: String) async { await live[storeid]?.plugin.stopIfUnused() }

  func kill(_ storeid: String) async -> String? { await live[storeid]?.plugin.kill() }

  /// Ends a storage's process: it was removed, or something that it was granted was taken back.
  /// - Parameter isUrgent: end it also for other storages that share it and use it now.
  func close(_ storeid: String, isUrgent: Bool) async {
    if let entry = live[storeid] { await leave([storeid: entry], isUrgent: isUrgent) }
    await closing[storeid]?.value
  }

  /// A storage's configuration was changed, or it was granted more: what runs finishes as it began, in its process;
  /// whatever begins from now on goes by the new state.
  func changed(_ storeid: String) async {
    if let type = config.snapshot[storeid]?.type, let bundle = bundle(serving: type),
      let now = config.snapshot[storeid]?.usable
    {
      // Nothing is awaited between the two: this configuration is as this bundle reads it.
      do throws(StorageError) {
        try await consents.follow(storeid, bundle, now.config)
        let grant = try await consents.standing(storeid, bundle, now.config).grant
        // Granted again, and less of it, is taken back as well.
        if let grant, let entry = live[storeid], entry.hasLost(grant) { return await close(storeid, isUrgent: true) }
      } catch {
        logger.warning("\(error.message)", metadata: ["storeid": "\(storeid)"])
      }
    }
    guard let entry = live[storeid] else {
      await closing[storeid]?.value
      return
    }
    if entry.uses.count == 0 {
      await leave(sharing: entry)
    } else {
      live[storeid]?.isOutdated = true
      live[storeid]?.activation = Activation()
      retire()
    }
  }

  func isLive(_ storeid: String) -> Live? { live[storeid] }

  // MARK: - Exchanging processes

  /// Ends the process of an older version once nobody uses it.
  /// - Returns: false when an operation takes long: until it ends the older version goes on.
  private func exchange(_ storeid: String, _ entry: Live) async -> Bool {
    guard await entry.uses.drained(patience: Self.patience) else { return false }
    // Somebody else may have been quicker, with the exchange or with another use.
    if live[storeid]?.uses === entry.uses, entry.uses.count == 0 { await leave(sharing: entry) }
    return true
  }

  /// Starts the process that storages share anew, with what one more of them was granted, once nobody uses it.
  ///
  /// - Throws: STORAGE_UNAVAILABLE when operations under way take long.
  private func join(
    _ resolved: ResolvedStorage, _ bundle: BundleFacts, _ grant: PermissionGrant
  ) async throws(StorageError) {
    let ids = Set(bundle.types.map(\.type))
    guard let other = live.first(where: { ids.contains(config.snapshot[$0.key]?.type ?? "") })?.value else {
      // Nobody holds it here: what runs is not in use.
      _ = try await house.instance(
        bundle, storeid: resolved.id, type: resolved.type, scfg: resolved.config, grant: grant, services: services)
      return
    }
    guard await other.uses.drained(patience: Self.patience) else { throw busy(resolved.id, other) }
    let sharing = live.filter { $0.value.uses === other.uses }.keys
    guard other.uses.count == 0, !sharing.isEmpty else { return }
    // Whoever asks for one of the storages meanwhile waits.
    let (house, services) = (house, services)
    let work = Task { () async -> Result<Void, StorageError> in
      do throws(StorageError) {
        _ = try await house.instance(
          bundle, storeid: resolved.id, type: resolved.type, scfg: resolved.config, grant: grant, services: services)
        return .success(())
      } catch { return .failure(error) }
    }
    let done = Task {
      _ = await work.value
      for storeid in sharing { self.closing[storeid] = nil }
    }
    for storeid in sharing { closing[storeid] = done }
    await done.value
    try await work.value.get()
  }

  private func busy(_ storeid: String, _ entry: Live) -> StorageError {
    .refused(
      .storageUnavailable,
      "what storage '\(storeid)' was granted was changed, and \(entry.uses.count) operations under way use its process "
        + "as it was", hint: "wait for them or cancel them (berth job list), then try again")
  }

  /// Ends, once nobody uses them, the processes of what is not to go on: another version or configuration, no consent, no
  /// plugin.
  func retire() {
    for (storeid, entry) in live where !isWanted(storeid, entry) {
      Task {
        while await !entry.uses.drained(patience: nil) {}
        await self.leaveIfUnwanted(storeid, entry)
      }
    }
  }

  private func leaveIfUnwanted(_ storeid: String, _ entry: Live) async {
    // Whoever was quicker, or uses it again, exchanges it himself.
    guard live[storeid]?.uses === entry.uses, entry.uses.count == 0, !isWanted(storeid, entry) else { return }
    await leave(sharing: entry)
  }

  private func isWanted(_ storeid: String, _ entry: Live) -> Bool {
    guard let type = config.snapshot[storeid]?.type, let bundle = bundle(serving: type) else { return false }
    return entry.digest == bundle.digest && live[storeid]?.isOutdated != true
  }

  /// Ends a process for all storages it serves.
  private func leave(sharing entry: Live, isUrgent: Bool = false) async {
    await leave(live.filter { $0.value.uses === entry.uses }, isUrgent: isUrgent)
  }

  /// Ends the storages' processes; whoever asks for one of them meanwhile waits until nothing of it is left.
  private func leave(_ entries: [String: Live], isUrgent: Bool) async {
    for storeid in entries.keys { live[storeid] = nil }
    let task = Task {
      for entry in entries.values { await entry.plugin.close(isUrgent: isUrgent) }
      for storeid in entries.keys { self.closing[storeid] = nil }
    }
    for storeid in entries.keys { closing[storeid] = task }
    await task.value
  }
}
