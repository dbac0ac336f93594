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
    let digest: String?
    let grant: PermissionGrant

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
  private(set) var bundles: [BundleFacts] = []
  private var live: [String: Live] = [:]

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

  /// Looks at the bundles again and puts their storage types in force.
  func reload() async {
    bundles = await house.bundles()
    var seen: [String: String] = [:]
    for (index, bundle) in bundles.enumerated() where bundle.problem == nil {
      for type in bundle.types {
        if let other = seen[type.type] {
          bundles[index].problem = "storage type '\(type.type)' is served by \(other) already; remove one of the two"
        } else {
          seen[type.type] = bundle.id ?? bundle.path
        }
      }
    }
    config.setSchema(StorageSchema(bundles.filter { $0.problem == nil }.flatMap(\.schemas)))
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
    else {
      throw .refused(
        .storageUnavailable, "no installed plugin serves storage '\(resolved.id)' of type '\(resolved.type)'",
        hint: "install its plugin; see 'berth plugin list'")
    }
    return (bundle, facts)
  }

  private func resolved(_ storeid: String) throws(StorageError) -> ResolvedStorage {
    let resolved: ResolvedStorage
    do throws(ConfigError) { resolved = try config.snapshot.storage(storeid) } catch { throw StorageError(error) }
    guard resolved.isAvailable(on: node) else {
      throw .refused(
        .storageUnavailable,
        resolved.isDisabled ? "storage '\(storeid)' is disabled" : "storage '\(storeid)' is not for node '\(node)'",
        hint: resolved.isDisabled ? "berth storage set \(storeid) --disable 0" : "see its property 'nodes'")
    }
    return resolved
  }

  /// The storage, ready to be asked; its process starts with the first call.
  func storage(_ storeid: String) async throws(StorageError) -> Storage {
    let resolved = try resolved(storeid)
    let (bundle, facts) = try facts(resolved)
    let entry = try await entry(resolved, bundle)
    let active = ActivePlugin(
      live: entry.plugin, activation: entry.activation,
      base: ["storeid": .string(storeid), "scfg": .object(entry.scfg)])
    return Storage(id: storeid, scfg: entry.scfg, facts: facts, plugin: active, grants: entry.plugin.grants)
  }

  private func entry(_ resolved: ResolvedStorage, _ bundle: BundleFacts) async throws(StorageError) -> Live {
    while true {
      let grant = try await consents.check(resolved.id, bundle)
      if let entry = live[resolved.id] {
        if entry.serves(resolved, bundle, grant) { return entry }
        live[resolved.id] = nil
        await entry.plugin.close()
      }
      let plugin = try await house.instance(
        bundle, storeid: resolved.id, type: resolved.type, scfg: resolved.config, grant: grant, services: services)
      // Somebody else may have asked while this waited; the supervisor keeps one process a storage, so it is the same.
      if let entry = live[resolved.id], entry.serves(resolved, bundle, grant) { return entry }
      let entry = Live(
        plugin: plugin, activation: Activation(), scfg: resolved.config, digest: bundle.digest, grant: grant)
      live[resolved.id] = entry
      // What was revoked while this waited was not there yet to be closed.
      if try await consents.check(resolved.id, bundle) == grant { return entry }
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

  func kill(_ storeid: String) async -> String? { await live[storeid]?.plugin.kill() }

  /// Ends a storage's process, when its configuration changed or it was removed.
  func close(_ storeid: String) async {
    guard let entry = live.removeValue(forKey: storeid) else { return }
    await entry.plugin.close()
  }
}
