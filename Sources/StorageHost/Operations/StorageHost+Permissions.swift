// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Logging
internal import PluginSandbox
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// What every storage's plugin asks for and has, in the order of the configuration; storages without a plugin left
  /// out.
  /// - Parameter plugin: only storages of this plugin.
  public func permissions(plugin: String? = nil) async throws(StorageError) -> [StoragePermissions] {
    await registry.rescan()
    var result: [StoragePermissions] = []
    for entry in registry.config.snapshot.entries {
      guard let bundle = await registry.bundle(serving: entry.type), plugin == nil || bundle.id == plugin else {
        continue
      }
      result.append(try await permissions(entry, bundle))
    }
    return result
  }

  /// What one storage's plugin asks for and has.
  public func permissions(of storeid: String) async throws(StorageError) -> StoragePermissions {
    let (entry, bundle) = try await served(storeid)
    return try await permissions(entry, bundle)
  }

  /// Grants permissions that the storage's plugin asks for; its process is restarted with them once nobody uses it.
  ///
  /// Whatever else the bundle asks for counts as shown and refused from then on.
  /// - Parameters:
  ///   - lines: canonical permissions, as asked for or narrower; nil for all that is asked for.
  ///   - digest: of the bundle the administrator looked at; another one now is a conflict.
  public func grantPermissions(
    _ storeid: String, _ lines: [String]?, digest: String, _ caller: Caller
  ) async throws(StorageError) -> StoragePermissions {
    let (entry, bundle) = try await served(storeid)
    guard digest == bundle.digest else {
      throw .make(
        .configInvalid, "the plugin of storage '\(storeid)' is another bundle than the one that was looked at",
        outcome: .notStarted, hint: "look again: berth plugin permissions show --storage \(storeid)", field: "digest",
        more: ["reason": "DIGEST_CONFLICT"])
    }
    let request = bundle.request
    let config = entry.usable?.config ?? [:]
    if let lines {
      try await registry.consents.edit(storeid, bundle, config) { (grant) throws(SandboxError) in
        try grant.grant(lines, of: request)
      }
    } else {
      try await registry.consents.give(storeid, bundle, config)
    }
    await registry.changed(storeid)
    return try await settle("permissions granted", entry, bundle, lines, caller)
  }

  /// Takes permissions back; the running process ends and starts again without them, if it can do without.
  /// - Parameter lines: canonical permissions; nil for everything.
  public func revokePermissions(
    _ storeid: String, _ lines: [String]?, _ caller: Caller
  ) async throws(StorageError) -> StoragePermissions {
    let (entry, bundle) = try await served(storeid)
    let request = bundle.request
    try await registry.consents.edit(storeid, bundle, entry.usable?.config ?? [:]) { (grant) throws(SandboxError) in
      try grant.revoke(lines ?? PermissionGrant.lines(of: request), of: request)
    }
    await registry.close(storeid, isUrgent: true)
    return try await settle("permissions revoked", entry, bundle, lines, caller)
  }

  /// After a change: the log says who did it, the answer shows how it stands now.
  private func settle(
    _ what: Logger.Message, _ entry: StorageEntry, _ bundle: BundleFacts, _ lines: [String]?, _ caller: Caller
  ) async throws(StorageError) -> StoragePermissions {
    // A version that waited for this is tried before it takes over.
    await registry.rescan()
    let now = try await permissions(entry, bundle)
    logger.notice(
      what,
      metadata: [
        "storeid": "\(entry.id)", "actor": "\(caller.actor)", "plugin": "\(now.plugin)", "digest": "\(now.digest)",
        "permissions": "\(lines?.joined(separator: "; ") ?? "all")", "state": "\(now.state.rawValue)",
      ])
    for item in now.items where item.granted != nil {
      guard let warning = item.warning else { continue }
      logger.warning(
        "a dangerous permission is granted: \(item.permission): \(warning)",
        metadata: ["storeid": "\(entry.id)", "actor": "\(caller.actor)"])
    }
    return now
  }

  private func served(_ storeid: String) async throws(StorageError) -> (StorageEntry, BundleFacts) {
    try InputChecks.storeid(storeid)
    await registry.rescan()
    guard let entry = registry.config.snapshot[storeid] else {
      throw .noStorage(storeid)
    }
    guard let bundle = await registry.bundle(serving: entry.type) else {
      throw await registry.noPlugin(storeid, entry.type)
    }
    return (entry, bundle)
  }

  private func permissions(
    _ entry: StorageEntry, _ bundle: BundleFacts
  ) async throws(StorageError) -> StoragePermissions {
    let standing = try await registry.consents.standing(entry.id, bundle, entry.usable?.config)
    let config = entry.usable?.config ?? [:]
    let items = PermissionItem.shown(of: bundle.request).map { item in
      StoragePermissions.Item(
        permission: item.line, resolved: PathTemplate(item.line)?.resolved(config),
        granted: standing.grant?.effective(item.line), reason: item.reason, isOptional: item.isOptional,
        isNew: standing.added.contains(item.line), warning: item.warning)
    }
    return StoragePermissions(
      storeid: entry.id, type: entry.type, plugin: bundle.id ?? bundle.path, digest: bundle.digest ?? "",
      agreedDigest: standing.record?.grant.bundleDigest, state: standing.state, items: items, added: standing.added,
      removed: standing.removed, missing: standing.missing.map(\.line))
  }
}
