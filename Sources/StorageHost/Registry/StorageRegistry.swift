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
    let activation: Activation
    let scfg: JSONObject
    let digest: String
    let grant: PermissionGrant
    /// Who uses its process now; one for all storages that share it.
    let uses: ProcessUses

    /// Whether only the bundle is another one than what is asked for.
    func isOlder(_ resolved: ResolvedStorage, _ bundle: BundleFacts) -> Bool {
      scfg == resolved.config && digest != bundle.digest
    }

    func serves(_ resolved: ResolvedStorage, _ bundle: BundleFacts, _ grant: PermissionGrant) -> Bool {
      scfg == resolved.config && digest == bundle.digest && self.grant == grant
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
      let grant = try await consents.check(resolved.id, bundle)
      if let closing = closing[resolved.id] {
        await closing.value
        continue
      }
      if let entry = live[resolved.id] {
        if entry.serves(resolved, bundle, grant) { return (entry, entry.uses.enter()) }
        if entry.isOlder(resolved, bundle) {
          // Another version: those who are at work finish first; whoever takes long keeps nobody waiting for long.
          if await exchange(resolved.id, entry) { continue }
          return (entry, entry.uses.enter())
        }
        await leave(sharing: entry)
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
      if try await consents.check(resolved.id, bundle) == grant, live[resolved.id]?.uses === uses {
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
    return try await consents.standing(storeid, bundle).grant ?? PermissionGrant(bundleDigest: digest, permissions: [])
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

  /// Ends a storage's process, when its configuration changed or it was removed.
  func close(_ storeid: String) async {
    if let entry = live[storeid] { await leave([storeid: entry]) }
    await closing[storeid]?.value
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

  /// Ends, once nobody uses them, the processes of what is not to go on: another version, no consent, no plugin.
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
    return entry.digest == bundle.digest
  }

  /// Ends a process for all storages it serves.
  private func leave(sharing entry: Live) async { await leave(live.filter { $0.value.uses === entry.uses }) }

  /// Ends the storages' processes; whoever asks for one of them meanwhile waits until nothing of it is left.
  private func leave(_ entries: [String: Live]) async {
    for storeid in entries.keys { live[storeid] = nil }
    let task = Task {
      for entry in entries.values { await entry.plugin.close() }
      for storeid in entries.keys { self.closing[storeid] = nil }
    }
    for storeid in entries.keys { closing[storeid] = task }
    await task.value
  }
}
