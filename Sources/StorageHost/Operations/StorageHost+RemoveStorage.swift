// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import Logging
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// Removes a storage from the configuration. Its data stays; its secrets, consent and state go.
  ///
  /// - Parameter isForced: remove it also when its plugin's `on_delete_hook` cannot be run or fails: what the plugin
  ///   made outside of the host stays then.
  /// - Returns: what whoever removes it has to know: that the hook was not run, and why.
  @discardableResult
  public func removeStorage(
    _ storeid: String, digest: String? = nil, isForced: Bool = false, _ caller: Caller
  ) async throws(StorageError) -> [String] {
    try InputChecks.storeid(storeid)
    let open = try await openOperations(storeid)
    guard open.isEmpty else {
      throw .refused(
        .volumeBusy, "storage '\(storeid)' has operations without an end: \(open.joined(separator: ", "))",
        hint: "wait for its jobs, or: berth reconcile \(storeid)")
    }
    let plugin = MutexBox<String?>(nil)
    let warnings = MutexBox<[String]>([])
    try await changeConfig("remove_storage", storeid, [:], [:], caller) { (run) async throws in
      _ = try await self.registry.config.remove(id: storeid, digest: digest, owner: caller.actor) { draft in
        plugin.value = try await self.registry.owner(storeid, draft.type)
        do throws(StorageError) { return try await self.deleteHook(draft, run) } catch {
          guard isForced, error.code != .cancelled, error.code != .shuttingDown else {
            throw error.advisingForce(storeid)
          }
          warnings.value.append(
            "on_delete_hook of \(plugin.value ?? "its plugin") was not run to its end, what it would have removed is "
              + "still there: \(error.message)")
          return .none
        }
      }
    }
    for warning in warnings.value { logger.warning("\(warning)", metadata: ["storeid": "\(storeid)"]) }
    await registry.close(storeid, isUrgent: false)
    await sampler.forget(storeid)
    try await forget(storeid, of: plugin.value)
    try await closeReported(of: storeid)
    return warnings.value
  }

  /// Forgets what is kept for a storage that is configured no more.
  func forget(_ storeid: String, of plugin: String?) async throws(StorageError) {
    if let plugin { await registry.services.forget(plugin: plugin, storeid: storeid) }
    let isLast = await registry.storages(of: plugin).allSatisfy { $0 == storeid }
    await registry.house.forget(plugin: plugin, storeid: storeid, isLast: isLast)
    // Last: it tells whose the rest is, should this be cut off in the middle.
    try await registry.consents.withdraw(storeid)
  }

  private func deleteHook(_ draft: ConfigDraft, _ run: CallRun) async throws(StorageError) -> HookResult {
    // A plugin that nobody agreed to never served it: there is nothing to take back.
    guard try await registry.consents.record(draft.id) != nil else { return .none }
    let serving = await registry.bundle(serving: draft.type)
    let departed = await registry.departed[draft.type]
    if let known = serving ?? departed, !known.types.contains(where: { $0.methods.contains("on_delete_hook") }) {
      return .none
    }
    guard let bundle = serving else { throw await registry.noPlugin(draft.id, draft.type) }
    if let refusal = try await registry.consents.standing(draft.id, bundle, draft.current?.config)
      .refusal(draft.id, bundle)
    {
      throw refusal
    }
    guard let current = draft.current else {
      throw .refused(
        .configInvalid, "the section of storage '\(draft.id)' cannot be used as it is",
        hint: "correct it; its faults are shown by: berth config check \(settings.stateDirectory)/storage.cfg")
    }
    return try await withCandidate(draft, bundle, current.config, run) { (storage) async throws(StorageError) in
      _ = try await storage.call("on_delete_hook", [:], run)
      return .none
    }
  }

  private func openOperations(_ storeid: String) async throws(StorageError) -> [String] {
    do throws(JobsError) { return try await journal.unfinished(storeid: storeid).map { "\($0.method) \($0.id)" } } catch
    {
      throw StorageError(error)
    }
  }
}

extension StorageRegistry {
  /// The configured storages that a plugin serves, or served.
  func storages(of plugin: String?) async -> [String] {
    config.snapshot.entries.filter { ((bundle(serving: $0.type) ?? departed[$0.type])?.id ?? plugin) == plugin }.map(
      \.id)
  }

  /// The id of the plugin that serves a storage, or served it: whose state is kept for it.
  func owner(_ storeid: String, _ type: String) async throws(StorageError) -> String? {
    if let record = try await consents.record(storeid) { return record.plugin }
    return (bundle(serving: type) ?? departed[type])?.id
  }
}

extension StorageError {
  fileprivate func advisingForce(_ storeid: String) -> StorageError {
    var error = self
    error.message = "storage '\(storeid)' was not removed, its plugin could not take back what it made: \(message)"
    let force = "or leave that as it is: berth storage remove \(storeid) --force"
    error.hint = hint.map { "\($0); \(force)" } ?? force
    return error
  }
}
