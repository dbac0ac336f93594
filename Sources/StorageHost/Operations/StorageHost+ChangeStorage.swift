// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Jobs
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// Changes a storage's configuration; its process is restarted with the new one.
  /// - Parameters:
  ///   - deleting: properties that go back to their defaults.
  ///   - digest: of the configuration the caller has seen; a change by somebody else since is a conflict.
  public func updateStorage(
    _ storeid: String, values: JSONObject, deleting: [String] = [], digest: String? = nil, _ caller: Caller
  ) async throws(StorageError) -> StorageChange {
    try InputChecks.storeid(storeid)
    let show = MutexBox<JSONObject>([:])
    let intent: JSONObject = ["delete": deleting.json()]
    try await changeConfig("update_storage", storeid, intent, values, caller) { (run) async throws in
      _ = try await self.registry.config.update(
        id: storeid, values: values, deleting: deleting, digest: digest, owner: caller.actor
      ) { draft in
        try await self.updateHook(draft, show, run)
      }
    }
    await registry.close(storeid)
    await sampleSoon(storeid)
    return StorageChange(storage: try await storage(storeid), show: show.value)
  }

  private func updateHook(
    _ draft: ConfigDraft, _ show: MutexBox<JSONObject>, _ run: CallRun
  ) async throws(StorageError) -> HookResult {
    // A section that stays unusable, or whose plugin is gone, can be edited all the same.
    guard let next = draft.next, let bundle = await registry.bundle(serving: draft.type) else { return .none }
    registry.services.offer(draft.secrets, for: draft.id)
    defer { registry.services.offer(nil, for: draft.id) }
    return try await withCandidate(draft, bundle, next.config, run) { (storage) async throws(StorageError) in
      var result = HookResult(set: try await self.check(storage, next.config, isNew: false, run))
      let current = Storage(
        id: draft.id, scfg: draft.current?.config ?? next.config, facts: storage.facts, plugin: storage.plugin,
        grants: storage.grants)
      let answer = try await current.call(
        "on_update_hook_full",
        ["update": .object(draft.set), "delete": draft.delete.json(), "sensitive": draft.secrets.wire], run)
      try result.take(answer, show)
      return result
    }
  }

  /// Removes a storage from the configuration. Its data stays.
  public func removeStorage(
    _ storeid: String, digest: String? = nil, _ caller: Caller
  ) async throws(StorageError) {
    try InputChecks.storeid(storeid)
    let open = try await openOperations(storeid)
    guard open.isEmpty else {
      throw .refused(
        .volumeBusy, "storage '\(storeid)' has operations without an end: \(open.joined(separator: ", "))",
        hint: "wait for its jobs, or: berth reconcile \(storeid)")
    }
    let bundle = MutexBox<BundleFacts?>(nil)
    try await changeConfig("remove_storage", storeid, [:], [:], caller) { (run) async throws in
      _ = try await self.registry.config.remove(id: storeid, digest: digest, owner: caller.actor) { draft in
        bundle.value = await self.registry.bundle(serving: draft.type)
        return try await self.deleteHook(draft, bundle.value, run)
      }
    }
    await registry.close(storeid)
    await sampler.forget(storeid)
    try await registry.consents.withdraw(storeid)
    guard let bundle = bundle.value else { return }
    await registry.services.forget(plugin: bundle.id ?? "", storeid: storeid)
    await registry.house.forget(bundle, storeid: storeid)
  }

  private func deleteHook(
    _ draft: ConfigDraft, _ bundle: BundleFacts?, _ run: CallRun
  ) async throws(StorageError) -> HookResult {
    guard let current = draft.current, let bundle else { return .none }
    guard bundle.types.contains(where: { $0.methods.contains("on_delete_hook") }) else { return .none }
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
