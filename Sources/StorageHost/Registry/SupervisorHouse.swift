// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
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
  private let launcher: Launcher
  private let uids: UIDAllocator
  private let reactor: Reactor
  private let catalog = MutexBox<PluginCatalog>(PluginCatalog(bundles: []))

  init(_ settings: HostSettings) async throws(StorageError) {
    self.settings = settings
    do throws(SandboxError) {
      let program: String
      if let given = settings.launcher { program = given } else { program = try Launcher.defaultProgram() }
      launcher = Launcher(transport: .program(path: program), scope: settings.scope)
    } catch { throw StorageError(error) }
    uids = UIDAllocator(path: settings.uidsPath)
    do { reactor = try Reactor() } catch {
      throw .refused(.storageUnavailable, "the I/O thread cannot be started: \(error)", hint: nil)
    }
  }

  func bundles() async -> [BundleFacts] {
    let catalog = await PluginCatalog.load(settings.pluginDirectories)
    self.catalog.value = catalog
    let usable = catalog.bundles.map { facts($0, catalog) }
    let broken = catalog.problems.filter { problem in !catalog.bundles.contains { $0.path == problem.bundle } }
    return usable + broken.map { BundleFacts(path: $0.bundle, problem: $0.description) }
  }

  private func facts(_ bundle: PluginBundle, _ catalog: PluginCatalog) -> BundleFacts {
    let manifest = bundle.manifest
    var facts = BundleFacts(
      id: manifest.id, version: manifest.version, vendor: manifest.vendor, path: bundle.path, sha256: manifest.sha256,
      digest: bundle.digest)
    facts.permissions = PermissionGrant.lines(of: manifest.permissions)
    facts.manifest = manifest.json()
    facts.problem = catalog.problems.first { $0.bundle == bundle.path }?.description
    for type in manifest.storageTypes where !catalog.ambiguousTypes.contains(type.type) {
      do throws(ConfigError) {
        facts.schemas.append(try StorageTypeSchema(type))
        facts.types.append(TypeFacts(type, manifest))
      } catch { facts.problem = facts.problem ?? "type '\(type.type)': \(error)" }
    }
    return facts
  }

  func instance(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, services: StorageServices
  ) async throws(StorageError) -> any LivePlugin {
    try await make(bundle, storeid: storeid, type: type, scfg: scfg, services: services, isCandidate: false)
  }

  func candidate(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, services: StorageServices
  ) async throws(StorageError) -> any LivePlugin {
    try await make(bundle, storeid: storeid, type: type, scfg: scfg, services: services, isCandidate: true)
  }

  private func make(
    _ facts: BundleFacts, storeid: String, type: String, scfg: JSONObject, services: StorageServices, isCandidate: Bool
  ) async throws(StorageError) -> any LivePlugin {
    guard let bundle = catalog.value.bundles.first(where: { $0.path == facts.path }) else {
      throw .refused(.storageUnavailable, "the bundle \(facts.path) is gone", hint: "see 'berth plugin list'")
    }
    let permissions: Permissions
    let uid: UInt32
    do throws(SandboxError) {
      let grant = PermissionGrant(everythingIn: bundle.manifest.permissions, bundleDigest: bundle.digest)
      permissions = try Permissions(bundle.manifest.permissions, grant: grant, config: scfg)
      uid = settings.isPrivileged ? try await uids.uid(plugin: bundle.id, storage: storeid) : geteuid()
    } catch { throw StorageError(error) }
    let streams = settings.streams(storeid)
    let state = settings.pluginState(storeid)
    if !isCandidate { try await prepare(streams: streams, state: state, uid: uid) }
    var configuration = InstanceConfiguration(
      bundle: bundle, storeid: storeid, storageType: type, host: settings.hostInfo,
      streamsPath: isCandidate ? nil : streams)
    configuration.secretNames = bundle.manifest.storageType(type)?.sensitiveProperties ?? []
    configuration.hostServices = Set(
      MethodTable.hostServices.map(\.name).filter { bundle.manifest.permissions.allows(service: $0) })
    let planner = Planner(
      settings: settings, bundle: bundle, storeid: storeid, permissions: permissions, uid: uid,
      streams: isCandidate ? nil : streams, state: isCandidate ? nil : state)
    let instance = PluginInstance(
      configuration: configuration, launcher: SandboxLauncher(launcher), services: services, reactor: reactor,
      logger: settings.logger
    ) { (epoch) async throws(StorageError) in planner.plan(epoch) }
    return SupervisedPlugin(
      instance: instance, logger: settings.logger,
      grants: permissions.files.map(\.path) + permissions.devices.map { _ in "/dev" })
  }

  private func prepare(streams: String, state: String, uid: UInt32) async throws(StorageError) {
    let isPrivileged = settings.isPrivileged
    let problem = await DiskWork.run { () -> String? in
      if let problem = DiskWork.makeDirectories(streams, mode: 0o711) { return problem }
      if let problem = DiskWork.makeDirectories(state, mode: 0o700) { return problem }
      if isPrivileged, chown(state, uid, uid) != 0 {
        return "cannot give \(state) to user \(uid): \(String(cString: strerror(errno)))"
      }
      return nil
    }
    if let problem { throw .refused(.storageUnavailable, problem, hint: "check the state and run directories") }
  }

  func forget(_ bundle: BundleFacts, storeid: String) async {
    let paths = [settings.pluginState(storeid), "\(settings.runDirectory)/\(storeid)"]
    await DiskWork.run { for path in paths { DiskWork.removeTree(path) } }
    guard let id = bundle.id, settings.isPrivileged else { return }
    do throws(SandboxError) { try await uids.release(plugin: id, storage: storeid) } catch {
      settings.logger.warning("the user id of storage '\(storeid)' is not given back: \(error)")
    }
  }

  func removeLeftovers(storages: [String]) async {
    do throws(SandboxError) { try await launcher.removeLeftovers() } catch {
      settings.logger.warning("what an earlier daemon left could not be removed: \(error)")
    }
    for storeid in storages {
      await StreamRelay.removeLeftovers(in: StreamDirectory(path: settings.streams(storeid), owner: nil))
    }
  }
}

/// Makes the launch plan of each start of one storage's process.
private struct Planner: Sendable {
  let settings: HostSettings
  let bundle: PluginBundle
  let storeid: String
  let permissions: Permissions
  let uid: UInt32
  let streams: String?
  let state: String?

  func plan(_ epoch: Int64) -> LaunchPlan {
    var plan = LaunchPlan(
      instance: storeid, mode: settings.isPrivileged ? .privileged : .unprivileged, bundle: bundle.path,
      executable: bundle.manifest.executable, permissions: permissions, uid: uid)
    plan.stateDirectory = state
    plan.streamsDirectory = streams
    if let memory = permissions.runtime.memory { plan.limits.memory = memory }
    if let count = permissions.runtime.processCount { plan.limits.processes = count }
    if let space = permissions.runtime.temporarySpace { plan.limits.temporarySpace = space }
    return plan
  }
}
