// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
public import JSON
internal import Jobs
internal import Logging
internal import PluginSandbox
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// What a change of the configuration shows to whoever made it, besides the new state.
  public struct StorageChange: Sendable, JSONEncodable {
    public var storage: StorageSummary?
    /// What the plugin wants shown, such as a generated key; shown once, never stored by the host.
    public var show: JSONObject
    /// What whoever made the change has to know besides: that it was made without the plugin, and why.
    public var warnings: [String] = []

    public func json() -> JSON {
      var object = JSONObject()
      object["storage"] = storage?.json()
      if !show.isEmpty { object["show"] = .object(show) }
      if !warnings.isEmpty { object["warnings"] = warnings.json() }
      return .object(object)
    }
  }

  /// Adds a storage: check, hook, activation on this node, then the write; whatever fails takes all of it back.
  ///
  /// The caller agrees to the permissions the plugin's manifest asks for; the agreement is bound to the bundle's digest.
  /// - Parameters:
  ///   - values: properties, typed or as texts, sensitive ones among them.
  ///   - digest: of the configuration the caller has seen; nil for no check.
  public func addStorage(
    _ storeid: String, type: String, values: JSONObject, digest: String? = nil, _ caller: Caller
  ) async throws(StorageError) -> StorageChange {
    try InputChecks.storeid(storeid)
    guard let bundle = await registry.bundle(serving: type) else {
      throw .refused(
        .configInvalid, "no installed plugin serves storage type \(Quoted(type))", hint: "see 'berth plugin list'",
        field: "type")
    }
    let show = MutexBox<JSONObject>([:])
    try await changeConfig("add_storage", storeid, ["type": .string(type)], values, caller) { (run) async throws in
      _ = try await self.registry.config.add(
        id: storeid, type: type, values: values, digest: digest, owner: caller.actor
      ) { draft in
        try await self.addHook(draft, bundle, show, run)
      } undo: { draft in
        await self.undoAdd(draft.id, draft.type, draft.next?.config ?? [:], bundle)
      }
    }
    let shared = await registry.sharedDirectories(storeid)
    for warning in shared { logger.warning("\(warning)", metadata: ["storeid": "\(storeid)"]) }
    await sampleSoon(storeid)
    return StorageChange(storage: try await storage(storeid), show: show.value, warnings: shared)
  }

  private func addHook(
    _ draft: ConfigDraft, _ bundle: BundleFacts, _ show: MutexBox<JSONObject>, _ run: CallRun
  ) async throws(StorageError) -> HookResult {
    guard let next = draft.next else {
      throw .refused(.configInvalid, "storage '\(draft.id)' could not be used with these values", hint: nil)
    }
    registry.services.offer(draft.secrets, for: draft.id)
    defer { registry.services.offer(nil, for: draft.id) }
    let checked = try await withCandidate(draft, bundle, next.config, run) { (storage) async throws(StorageError) in
      try await self.check(storage, next.config, isNew: true, run)
    }
    var result = HookResult(set: checked, granted: bundle.request.templateProperties)
    // Before a process gets what this configuration grants.
    let config = try patched(draft, result)?.config ?? next.config
    do throws(StorageError) {
      try await withCandidate(draft, bundle, config, run) { (storage) async throws(StorageError) in
        let answer = try await storage.call("on_add_hook", ["sensitive": draft.secrets.wire], run)
        try result.take(answer, show)
        let isHere = next.isAvailable(on: self.settings.node)
        if isHere { _ = try await storage.call("activate_storage", [:], run.question) }
      }
      try await registry.consents.give(draft.id, bundle, config)
    } catch {
      await undoAdd(draft.id, draft.type, config, bundle)
      throw error.with(outcome: error.outcome == .unknown ? .unknown : .rolledBack)
    }
    return result
  }

  /// Takes back what a failed add may have left: the plugin's hook first, then the consent.
  func undoAdd(_ storeid: String, _ type: String, _ config: JSONObject, _ bundle: BundleFacts) async {
    await uncancelled {
      do throws(StorageError) {
        let storage = try await self.candidate(storeid, type, bundle, config)
        let answer = await Self.attempt { () async throws(StorageError) in
          _ = try await storage.storage.call("on_delete_hook", [:], .host)
        }
        await storage.live.close()
        try answer.get()
      } catch {
        self.logger.warning(
          "taking back the add of a storage: \(error.message)", metadata: ["storeid": "\(storeid)"])
      }
      _ = await Self.attempt { () async throws(StorageError) in try await self.forget(storeid, of: bundle.id) }
    }
  }

  static func attempt(
    _ body: () async throws(StorageError) -> Void
  ) async -> Result<Void, StorageError> {
    do throws(StorageError) { return .success(try await body()) } catch { return .failure(error) }
  }
}
