// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import Logging
public import StorageProtocol

extension StorageHost {
  /// Every bundle in the plugin directories, looked at now, unusable ones with the reason.
  public func plugins() async -> [PluginSummary] {
    await registry.rescan()
    return await registry.bundles.map(\.summary)
  }

  /// Looks at the plugin directories again and puts in force what is there, without a restart.
  ///
  /// Operations under way finish with the version they began with; the next one starts the new one. A bundle that
  /// cannot be used, or whose program does not start and greet the host, disturbs nobody: an earlier version that ran
  /// well goes on, from a copy if need be.
  /// - Returns: what was found of each bundle, and how its storages go on.
  public func rescanPlugins(_ caller: Caller) async throws(StorageError) -> [PluginChange] {
    try checkOpen(caller)
    let changes = await registry.rescan(again: true)
    logger.info(
      "plugin directories looked at again",
      metadata: [
        "actor": "\(caller.actor)", "bundles": "\(changes.count)",
        "changes": "\(changes.filter { $0.kind != .unchanged }.count)",
      ])
    return changes
  }

  /// Plugins that go on as they were read although something else lies in their place, with the reason, by id.
  public func refusedUpdates() async -> [String: String] {
    var refused: [String: String] = [:]
    for bundle in await registry.bundles {
      if let id = bundle.id, let reason = bundle.refusedUpdate { refused[id] = reason }
    }
    return refused
  }

  /// One bundle by its plugin id.
  public func plugin(_ id: String) async throws(StorageError) -> PluginSummary {
    guard let bundle = await plugins().first(where: { $0.id == id }) else {
      throw .refused(
        .pluginNotFound, "there is no plugin \(Quoted(id))", hint: "see 'berth plugin list'", field: "plugin")
    }
    return bundle
  }

  /// Lets a storage's plugin start again after it crashed too often.
  public func release(_ storeid: String, _ caller: Caller) async throws(StorageError) {
    try InputChecks.storeid(storeid)
    try mustBeConfigured(storeid)
    guard await registry.release(storeid) else {
      throw .refused(
        .invalidParams, "storage '\(storeid)' has no plugin process to release", hint: "see 'berth storage status'",
        field: "storeid")
    }
    logger.notice("plugin released", metadata: ["storeid": "\(storeid)", "actor": "\(caller.actor)"])
  }

  /// Everything that is locked or waited for.
  public func lockList() async -> [LockSummary] { await locks.list().map(LockSummary.init) }
}

extension StorageHost {
  /// The processes of a plugin's storages, each with its score. Looks at every one of them: not for a hot path.
  public func processes(of plugin: String) async -> [ProcessSummary] {
    await registry.house.processes(isScored: true).filter { $0.plugin == plugin }
  }

  /// The processes of all storages, without their scores.
  public func processes() async -> [ProcessSummary] { await registry.house.processes(isScored: false) }
}
