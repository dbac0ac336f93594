// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ManagementTypes

extension BerthClient {
  /// What is running.
  public func version() async throws(ClientError) -> VersionInfo { try await send(.get, APIPath("version")) }

  /// How the daemon is.
  public func health() async throws(ClientError) -> HealthView { try await send(.get, APIPath("health")) }

  /// The plugin bundles the daemon found, those it refuses included.
  public func plugins() async throws(ClientError) -> [PluginView] {
    try await send(.get, APIPath("plugins"), as: ListOf<PluginView>.self).items
  }

  /// One bundle, by plugin id.
  public func plugin(_ id: String) async throws(ClientError) -> PluginView {
    try await send(.get, APIPath("plugins", id))
  }

  /// Has the daemon look at the plugin directories again and put in force what is there.
  public func rescanPlugins() async throws(ClientError) -> [PluginChangeView] {
    try await send(.post, APIPath("plugins", "rescan"), as: ListOf<PluginChangeView>.self).items
  }

  /// What storages' plugins ask for and were granted.
  /// - Parameter plugin: only storages of this plugin.
  public func permissions(plugin: String? = nil) async throws(ClientError) -> [PermissionsView] {
    var path = APIPath("permissions")
    if let plugin { path = path.query("plugin", plugin) }
    return try await send(.get, path, as: ListOf<PermissionsView>.self).items
  }

  /// What one storage's plugin asks for and was granted.
  public func permissions(storeid: String) async throws(ClientError) -> PermissionsView {
    try await send(.get, APIPath("storages", storeid, "permissions"))
  }

  /// Grants permissions to a storage's plugin, which is restarted with them.
  /// - Parameters:
  ///   - lines: canonical permissions, as asked for or narrower; nil for all.
  ///   - digest: of the bundle that was looked at, as ``permissions(storeid:)`` shows it.
  public func grantPermissions(
    storeid: String, _ lines: [String]?, digest: String
  ) async throws(ClientError) -> PermissionsView {
    try await send(
      .post, APIPath("storages", storeid, "permissions", "grant"),
      body: PermissionChange(permissions: lines, digest: digest))
  }

  /// Takes permissions back from a storage's plugin; nil for all.
  public func revokePermissions(storeid: String, _ lines: [String]?) async throws(ClientError) -> PermissionsView {
    try await send(
      .post, APIPath("storages", storeid, "permissions", "revoke"), body: PermissionChange(permissions: lines))
  }

  /// Lets a quarantined plugin of a storage start again.
  public func releasePlugin(storeid: String) async throws(ClientError) {
    try await send(.post, APIPath("storages", storeid, "release"))
  }

  /// The locks that are held, with who waits.
  public func locks() async throws(ClientError) -> [LockView] {
    try await send(.get, APIPath("locks"), as: ListOf<LockView>.self).items
  }

  /// Looks again at every interrupted operation.
  /// - Parameter storeid: only at this storage's.
  public func reconcile(storeid: String? = nil) async throws(ClientError) -> [ReconcileItem] {
    try await send(.post, APIPath("reconcile").query("storeid", storeid), as: ListOf<ReconcileItem>.self).items
  }

  /// Closes the record of an interrupted operation that somebody has looked at.
  public func dismiss(operation: String) async throws(ClientError) -> ReconcileItem {
    try await send(.post, APIPath("reconcile", operation, "dismiss"))
  }

  /// The configuration file's digest.
  public func configDigest() async throws(ClientError) -> ConfigDigest {
    try await send(.get, APIPath("config", "digest"))
  }
}
