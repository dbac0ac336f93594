// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Broker
internal import JSON
internal import JSONRPC
internal import Logging
internal import PluginSandbox
internal import PluginSupervisor
internal import StorageConfig
internal import StorageProtocol
internal import StorageRules

/// The real house: bundles from the plugin directories, each storage's process in its own sandbox.
final class SupervisorHouse: PluginHouse {
  let settings: HostSettings
  private let supervisor: Supervisor
  private let catalog = MutexBox<PluginCatalog?>(nil)
  /// Every bundle that was in a catalog, by its digest: what is in force need not be what lies in its place.
  private let known = MutexBox<[String: PluginBundle]>([:])
  private let copies: BundleStore

  init(_ settings: HostSettings, launcher: Launcher, broker: Broker?) throws(StorageError) {
    self.settings = settings
    copies = BundleStore(directory: settings.bundleCopiesDirectory, logger: settings.logger)
    var supervised = SupervisorSettings(
      stateDirectory: settings.pluginStateDirectory, runDirectory: settings.runDirectory, host: settings.hostInfo,
      mode: settings.isPrivileged ? .privileged : .unprivileged)
    supervised.adjust = settings.adjust
    supervised.copies = copies
    supervised.broker = broker.map { HostBrokerPlaces(broker: $0) }
    do throws(ReactorError) {
      supervisor = try Supervisor(
        settings: supervised, launcher: SandboxLauncher(launcher), uids: UIDAllocator(path: settings.uidsPath),
        logger: settings.logger)
    } catch { throw .refused(.storageUnavailable, "the I/O thread cannot be started: \(error)", hint: nil) }
  }

  /// The launcher that the settings name, or the one beside the running executable.
  static func launcher(_ settings: HostSettings) throws(StorageError) -> Launcher {
    do throws(SandboxError) {
      let transport: Launcher.Transport
      if let socket = settings.launcherSocket {
        transport = .server(socket: socket)
      } else {
        // Not `??`: its closure would widen what is thrown.
        if let program = settings.launcher {
          transport = .program(path: program)
        } else {
          transport = .program(path: try Launcher.defaultProgram())
        }
      }
      return Launcher(transport: transport, scope: settings.scope)
    } catch { throw StorageError(error) }
  }

  func bundles() async -> [BundleFacts] {
    let found = await PluginCatalog.load(settings.pluginDirectories).refusing { bundle in
      for type in bundle.manifest.storageTypes {
        do throws(ConfigError) { _ = try StorageTypeSchema(type) } catch {
          return CatalogProblem(
            .manifestInvalid, bundle: bundle.path, file: "manifest.json", "type '\(type.type)': \(error)")
        }
      }
      return nil
    }
    let catalog: PluginCatalog
    if let earlier = self.catalog.value {
      catalog = found.succeeding(earlier)
    } else {
      catalog = found.succeeding(PluginCatalog(bundles: await copies.load()), isRunning: false)
    }
    self.catalog.value = catalog
    know(catalog.bundles)
    let usable = catalog.bundles.map { facts($0, catalog) }
    let broken = catalog.problems.filter { problem in !catalog.bundles.contains { $0.path == problem.bundle } }
    return usable + broken.map { BundleFacts(path: $0.bundle, problem: $0.description) }
  }

  func isStale(_ bundle: BundleFacts) async -> Bool {
    guard let catalog = catalog.value else { return true }
    return await !catalog.isCurrent(bundle.path)
  }

  func copy(of plugin: String) async -> BundleFacts? {
    guard let catalog = catalog.value, let bundle = await copies.load(plugin) else { return nil }
    know([bundle])
    return facts(bundle, catalog)
  }

  func copiedDigest(of plugin: String) async -> String? { await copies.digest(of: plugin) }

  func setInForce(_ bundles: [BundleFacts]) async {
    await copies.setInForce(bundles.compactMap { $0.digest }.compactMap { known.value[$0] })
  }

  private func know(_ bundles: [PluginBundle]) {
    known.change { known in for bundle in bundles { known[bundle.digest] = bundle } }
  }

  private func facts(_ bundle: PluginBundle, _ catalog: PluginCatalog) -> BundleFacts {
    let manifest = bundle.manifest
    var facts = BundleFacts(
      id: manifest.id, version: manifest.version, vendor: manifest.vendor, path: bundle.path, sha256: manifest.sha256,
      digest: bundle.digest)
    facts.request = manifest.permissions
    facts.isShared = manifest.process == .perPlugin
    facts.permissions = PermissionGrant.lines(of: manifest.permissions)
    facts.manifest = manifest.json()
    facts.refusedUpdate = catalog.kept[bundle.id]?.description
    if facts.refusedUpdate == nil {
      facts.problem = catalog.problems.first { $0.bundle == bundle.path }?.description
    }
    for type in manifest.storageTypes where catalog.serves(type.type, bundle.id) {
      do throws(ConfigError) {
        facts.schemas.append(try StorageTypeSchema(type))
        facts.types.append(TypeFacts(type, manifest))
      } catch { facts.problem = facts.problem ?? "type '\(type.type)': \(error)" }
    }
    return facts
  }

  func instance(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, grant: PermissionGrant,
    services: StorageServices
  ) async throws(StorageError) -> any LivePlugin {
    let storage = try supervised(bundle, storeid, type, scfg, grant)
    let instance = try await supervisor.instance(for: storage, services: services)
    let supervisor = supervisor
    return SupervisedPlugin(instance: instance, logger: settings.logger, grants: grants(storage)) {
      (isUrgent) async throws(StorageError) in
      try await supervisor.remove(storeid, reason: "it is not needed any more", isUrgent: isUrgent)
    }
  }

  func needsRestart(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, grant: PermissionGrant
  ) async throws(StorageError) -> Bool {
    guard bundle.isShared else { return false }
    return await supervisor.needsRestart(for: try supervised(bundle, storeid, type, scfg, grant))
  }

  func candidate(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, grant: PermissionGrant,
    services: StorageServices
  ) async throws(StorageError) -> any LivePlugin {
    let storage = try supervised(bundle, storeid, type, scfg, grant)
    let instance = try await supervisor.candidate(for: storage, services: services)
    let supervisor = supervisor
    return SupervisedPlugin(instance: instance, logger: settings.logger, grants: grants(storage)) {
      (_) async throws(StorageError) in
      await supervisor.finish(instance)
    }
  }

  private func supervised(
    _ facts: BundleFacts, _ storeid: String, _ type: String, _ scfg: JSONObject, _ grant: PermissionGrant
  ) throws(StorageError) -> SupervisedStorage {
    guard let bundle = facts.digest.flatMap({ known.value[$0] }) else {
      throw .refused(.storageUnavailable, "the bundle \(facts.path) is gone", hint: "see 'berth plugin list'")
    }
    do throws(SandboxError) {
      let permissions = try Permissions(
        bundle.manifest.permissions, grant: grant, config: scfg, protected: settings.protectedPaths)
      return SupervisedStorage(bundle: bundle, storeid: storeid, type: type, permissions: permissions)
    } catch { throw StorageError(error) }
  }

  /// Directories that returned paths may lie in; who may use devices may name nodes, who may mount what is mounted.
  private func grants(_ storage: SupervisedStorage) -> [String] {
    let permissions = storage.permissions
    let mounts = "\(Supervisor.brokerDirectory(of: storage, in: settings.runDirectory))/mounts"
    return permissions.files.map(\.path) + (permissions.devices.isEmpty ? [] : ["/dev"])
      + (permissions.broker.contains { $0.covers("host.mount") } ? [mounts] : [])
  }

  func processes(isScored: Bool) async -> [ProcessSummary] {
    await supervisor.status(isScored: isScored).map(ProcessSummary.init)
  }

  func forget(plugin: String?, storeid: String, isLast: Bool) async {
    do throws(StorageError) { try await supervisor.forget(storeid, plugin: plugin ?? "", isLast: isLast) } catch {
      settings.logger.error("\(error.message)", metadata: ["storeid": "\(storeid)"])
    }
  }

  func removeLeftovers() async { await supervisor.removeLeftovers() }

  func close() async {
    for error in await supervisor.drain(reason: "the daemon is stopping") {
      settings.logger.error("\(error.message)")
    }
  }
}
