// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Jobs
internal import Logging
internal import PluginSandbox
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// Changes a storage's configuration. Operations under way finish as they began; its process is restarted when they have.
  ///
  /// The plugin is asked first. One that cannot be asked (its bundle is gone or broken, nobody agreed to what it wants,
  /// it does not start or answer) keeps nobody from changing the options that are Berth's own; the result says so.
  /// - Parameters:
  ///   - deleting: properties that go back to their defaults.
  ///   - digest: of the configuration the caller has seen; a change by somebody else since is a conflict.
  public func updateStorage(
    _ storeid: String, values: JSONObject, deleting: [String] = [], digest: String? = nil, _ caller: Caller
  ) async throws(StorageError) -> StorageChange {
    try InputChecks.storeid(storeid)
    let show = MutexBox<JSONObject>([:])
    let warnings = MutexBox<[String]>([])
    let intent: JSONObject = ["delete": deleting.json()]
    try await changeConfig("update_storage", storeid, intent, values, caller) { (run) async throws in
      _ = try await self.registry.config.update(
        id: storeid, values: values, deleting: deleting, digest: digest, owner: caller.actor
      ) { draft in
        let change = UpdateScope(draft, self.registry.config.schema)
        do throws(StorageError) { return try await self.updateHook(draft, change, show, run) } catch {
          guard change.mayGoOn(without: error, on: self.settings.node) else { throw error.advisingRepair(draft.id) }
          warnings.value.append("the change was made without the plugin: \(error.message)")
          return .none
        }
      } writing: { draft in
        // Tells, should the daemon die now, whether the file has the change.
        try await self.note(draft, request: intent, run)
      }
    }
    for warning in warnings.value { logger.warning("\(warning)", metadata: ["storeid": "\(storeid)"]) }
    await registry.changed(storeid)
    let shared = await registry.sharedDirectories(storeid)
    for warning in shared { logger.warning("\(warning)", metadata: ["storeid": "\(storeid)"]) }
    await sampleSoon(storeid)
    return StorageChange(
      storage: try await storage(storeid), show: show.value, warnings: warnings.value + shared)
  }

  private func note(_ draft: ConfigDraft, request: JSONObject, _ run: CallRun) async throws(StorageError) {
    guard let id = run.idempotencyKey.map(OperationID.init(rawValue:)) else { return }
    var intent = request
    intent["digest"] = .string(draft.nextDigest)
    if draft.nextDigest == draft.digest, !draft.secrets.isEmpty { intent["secretsOnly"] = true }
    do throws(JobsError) { try await journal.amend(id, intent: .object(intent)) } catch { throw StorageError(error) }
  }

  private func updateHook(
    _ draft: ConfigDraft, _ change: UpdateScope, _ show: MutexBox<JSONObject>, _ run: CallRun
  ) async throws(StorageError) -> HookResult {
    guard let bundle = await registry.bundle(serving: draft.type) else {
      throw await registry.noPlugin(draft.id, draft.type).unasked(draft.id, change)
    }
    // Nobody agreed to what it would do: it is not run, not even to be asked.
    do throws(StorageError) {
      if let current = draft.current {
        // A version that asks for no more is agreed to with the configuration as it was, not as it will be.
        _ = try await registry.consents.check(draft.id, bundle, current.config)
      } else if let refusal = try await registry.consents.standing(draft.id, bundle, nil).refusal(draft.id, bundle) {
        throw refusal
      }
    } catch { throw error.code == .permissionDenied ? error.unasked(draft.id, change) : error }
    // A section that stays unusable can be edited all the same.
    guard let next = draft.next else { return .none }
    registry.services.offer(draft.secrets, for: draft.id)
    defer { registry.services.offer(nil, for: draft.id) }
    return try await withCandidate(draft, bundle, next.config, run) { (storage) async throws(StorageError) in
      var result = HookResult(
        set: try await self.check(storage, next.config, isNew: false, run), granted: bundle.request.templateProperties)
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
}

/// What a change of a storage touches: the plugin's own properties, or only what is Berth's.
struct UpdateScope: Sendable {
  /// The plugin's own properties among those that are set or deleted, sorted.
  let own: [String]
  /// Whether it only says where the storage is to be used.
  let isPlacement: Bool
  let next: ResolvedStorage?

  init(_ draft: ConfigDraft, _ schema: StorageSchema) {
    let names = Set(draft.set.map(\.key)).union(draft.delete).union(draft.secrets.set.keys).union(draft.secrets.delete)
    let properties = schema.types[draft.type]?.properties
    own = names.filter { CommonOptions.rules[$0] == nil || properties?[$0] != nil }.sorted()
    isPlacement = !names.isEmpty && names.isSubset(of: ["disable", "nodes"])
    next = draft.next
  }

  /// Whether the change is made although the plugin did not take part in it.
  ///
  /// An answer of the plugin's is heard, unless the storage is only taken out of use here.
  func mayGoOn(without error: StorageError, on node: String) -> Bool {
    guard own.isEmpty, error.code != .cancelled, error.code != .shuttingDown else { return false }
    if isPlacement, next.map({ !$0.isAvailable(on: node) }) ?? true { return true }
    return error.isSilence
  }
}

extension StorageError {
  /// Whether the plugin gave no answer at all: it is not there, may not run, does not start, died or hangs.
  var isSilence: Bool {
    switch code {
    case .pluginCrashed, .pluginQuarantined, .pluginUnreapable, .sandboxFailed, .manifestInvalid, .protocolViolation,
      .deadlineExceeded:
      true
    default: details["unasked"] == true
    }
  }

  /// The same with what can be done while the plugin gives no answer.
  func advisingRepair(_ storeid: String) -> StorageError {
    guard isSilence, hint == nil else { return self }
    return with(
      outcome: outcome,
      hint: "the plugin does not answer: see its lines in the daemon's log; until it does, Berth's own options can be "
        + "changed, such as: berth storage set \(storeid) --disable")
  }

  /// The same, for a plugin that is not run at all; names the property that only it can judge.
  func unasked(_ storeid: String, _ change: UpdateScope) -> StorageError {
    var error = self
    error.details["unasked"] = true
    if let own = change.own.first {
      error.message = "'\(own)' of storage '\(storeid)' is its plugin's, which cannot be asked: \(message)"
    }
    return error
  }
}
