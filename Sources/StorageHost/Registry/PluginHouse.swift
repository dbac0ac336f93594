// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox
internal import StorageConfig
internal import StorageProtocol

/// Where plugins come from: installed bundles, and processes that run them for one storage each.
protocol PluginHouse: Sendable {
  /// Every bundle found, usable or not.
  ///
  /// What was usable the time before stays so while what lies in its place now cannot be used.
  func bundles() async -> [BundleFacts]

  /// Whether something about the bundle was changed since ``bundles()`` was asked; quick, reads no file.
  func isStale(_ bundle: BundleFacts) async -> Bool

  /// The copy of a plugin's bundle as it last ran well, checked; nil when there is none.
  func copy(of plugin: String) async -> BundleFacts?

  /// Digest of that copy; quick, reads none of it.
  func copiedDigest(of plugin: String) async -> String?

  /// Says which bundles are used from now on: of those, and no others, copies are kept.
  func setInForce(_ bundles: [BundleFacts]) async

  /// The process for a storage; starts on first use.
  /// - Parameters:
  ///   - scfg: the configuration that grants are resolved against.
  ///   - grant: what the administrator agreed to.
  ///   - services: answers what the plugin asks of the host.
  func instance(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, grant: PermissionGrant,
    services: StorageServices
  ) async throws(StorageError) -> any LivePlugin

  /// Whether the storage's process runs already, for other storages, and would have to start again with what this one was
  /// granted. ``instance(_:storeid:type:scfg:grant:services:)`` then stops it.
  func needsRestart(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, grant: PermissionGrant
  ) async throws(StorageError) -> Bool

  /// A short-lived process for a storage that does not exist yet, with the grants its configuration would get.
  func candidate(
    _ bundle: BundleFacts, storeid: String, type: String, scfg: JSONObject, grant: PermissionGrant,
    services: StorageServices
  ) async throws(StorageError) -> any LivePlugin

  /// The processes of all storages; with how well each is confined when that is asked for.
  func processes(isScored: Bool) async -> [ProcessSummary]

  /// Gives back what belongs to a storage that is gone: its user id, its state directory.
  /// - Parameters:
  ///   - plugin: the id of the plugin that served it; nil when nobody knows.
  ///   - isLast: whether the plugin has no other storage.
  func forget(plugin: String?, storeid: String, isLast: Bool) async

  /// Removes what an earlier daemon left: FIFOs, cgroups, temporary directories.
  func removeLeftovers() async

  /// Ends every process.
  func close() async
}

/// A plugin's process with its life.
protocol LivePlugin: PluginCalling {
  /// Counts the starts of the process: what was activated in an earlier one is not in this one.
  func epoch() async -> Int64
  /// One word: `idle`, `ready`, `quarantined`, …
  func state() async -> String
  /// Starts it without a call, unless it runs.
  func start() async throws(StorageError)
  /// Ends it unless somebody has used it since its start.
  func stopIfUnused() async
  /// Lets a quarantined plugin start again.
  func release() async
  /// Ends it in good order; a process that other storages use as well at once only when that is urgent.
  func close(isUrgent: Bool) async
  /// Directories it was granted.
  var grants: [String] { get }
  /// Whether its process runs and takes calls.
  var isRunning: Bool { get }
  /// Digest of the bundle it runs.
  var digest: String { get }
  /// The same for storages that share one process.
  var process: ObjectIdentifier { get }
}

/// One installed bundle as the host needs it.
struct BundleFacts: Sendable {
  var id: String?
  var version: String?
  var vendor: String?
  var path: String
  /// SHA-256 of the executable.
  var sha256: String?
  /// SHA-256 over the whole bundle: what consent is bound to.
  var digest: String?
  var problem: String?
  /// Why what lies in its place now is not used; this one, as it was read before, goes on.
  var refusedUpdate: String?
  var types: [TypeFacts] = []
  var schemas: [StorageTypeSchema] = []
  /// The permissions it asks for, in canonical text, one line each.
  var permissions: [String] = []
  /// The same, typed.
  var request = PermissionRequest()
  /// Whether one process serves all of its storages.
  var isShared = false
  var manifest: JSON?

  var summary: PluginSummary {
    PluginSummary(
      id: id, version: version, vendor: vendor, path: path, types: types.map(\.type), sha256: sha256,
      digest: digest, problem: problem, refusedUpdate: refusedUpdate, permissions: permissions,
      asks: PermissionItem.shown(of: request).map { item in
        PluginSummary.Ask(
          permission: item.line, reason: item.reason, isOptional: item.isOptional, warning: item.warning)
      }, manifest: manifest)
  }
}

extension LivePlugin {
  /// Ends it in good order.
  func close() async { await close(isUrgent: false) }
}
