// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import Jobs
internal import StorageConfig
internal import StorageProtocol

extension StorageHost {
  /// Runs one change of the configuration under its lock and the journal.
  func changeConfig(
    _ method: String, _ storeid: String, _ intent: JSONObject, _ values: JSONObject, _ caller: Caller,
    _ change: @escaping @Sendable (CallRun) async throws -> Void
  ) async throws(StorageError) {
    try checkOpen(caller)
    var request = intent
    // Values may hold secrets: only their digest is remembered.
    request["values"] = .string(Fingerprint.of(method, storeid, values))
    let digest = Fingerprint.of(method, storeid, request)
    if let key = caller.idempotencyKey, let known = try await admitted(key, digest) {
      _ = try replay(known)
      return
    }
    let lease: Lease
    do throws(LockError) {
      lease = try await locks.acquire(
        LockRequest(
          .config, owner: caller.actor, operation: method, ttl: .seconds(300), timeout: settings.lockTimeout))
    } catch { throw StorageError(error, lock: .config) }
    let result = await Self.attempt { () async throws(StorageError) in
      try await underConfigLock(method, storeid, request, digest, caller, lease, change)
    }
    await locks.release(lease)
    try result.get()
  }

  private func underConfigLock(
    _ method: String, _ storeid: String, _ request: JSONObject, _ digest: String, _ caller: Caller, _ lease: Lease,
    _ change: (CallRun) async throws -> Void
  ) async throws(StorageError) {
    var run = CallRun(caller)
    run.lock = CallRun.Lock(
      name: lease.name.description, scope: "config", token: lease.token.rawValue, ttl: lease.ttl)
    let mutation = Mutation(method: method, request: request, needsStorageLock: false)
    let record: JournalRecord
    let plan = Plan(intent: request, result: .null)
    switch try await begin(mutation, storeid, caller, digest, lease.token.rawValue, plan) {
    case .replay(let known):
      _ = try replay(known)
      return
    case .begin(let fresh): record = fresh
    }
    run.idempotencyKey = record.id.rawValue
    inFlight.add(record.id)
    defer { inFlight.remove(record.id) }
    do { try await change(run) } catch {
      let error = StorageError(change: error)
      try await settle(record, .failed(error))
      throw error
    }
    try await settle(record, .done(.string(storeid)))
    await closeReported(by: record)
  }

  /// A storage that does not exist yet (or will look otherwise), served by a process of its own for a moment.
  struct Candidate: Sendable {
    let storage: Storage
    let live: any LivePlugin
  }

  func candidate(
    _ storeid: String, _ type: String, _ bundle: BundleFacts, _ config: JSONObject
  ) async throws(StorageError) -> Candidate {
    guard let facts = bundle.types.first(where: { $0.type == type }) else {
      throw .refused(.configInvalid, "no installed plugin serves storage type \(Quoted(type))", hint: nil)
    }
    let grant = try await registry.candidateGrant(storeid, bundle)
    let live = try await registry.house.candidate(
      bundle, storeid: storeid, type: type, scfg: config, grant: grant, services: registry.services)
    return Candidate(
      storage: Storage(id: storeid, scfg: config, facts: facts, plugin: live, grants: live.grants), live: live)
  }

  func withCandidate<Value: Sendable>(
    _ draft: ConfigDraft, _ bundle: BundleFacts, _ config: JSONObject, _ run: CallRun,
    _ body: (Storage) async throws(StorageError) -> Value
  ) async throws(StorageError) -> Value {
    let candidate = try await candidate(draft.id, draft.type, bundle, config)
    let result: Result<Value, StorageError>
    do throws(StorageError) { result = .success(try await body(candidate.storage)) } catch { result = .failure(error) }
    await candidate.live.close()
    return try result.get()
  }

  /// The storage as it will be with what the plugin answered; refuses what the plugin may not change.
  func patched(_ draft: ConfigDraft, _ result: HookResult) throws(StorageError) -> ResolvedStorage? {
    do throws(ConfigError) {
      return try ConfigEditor(schema: registry.config.schema, file: StorageConfigFile())
        .patch(
          draft, set: result.set, deleting: result.delete, secrets: result.secrets, granted: result.granted
        ).next
    } catch { throw StorageError(error) }
  }

  /// Lets the plugin check a configuration.
  /// - Returns: the properties it derived.
  func check(
    _ storage: Storage, _ config: JSONObject, isNew: Bool, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    guard storage.facts.methods.contains("check_config") else { return [:] }
    let answer = try await storage.call(
      "check_config", ["scfg": .object(config), "create": .bool(isNew)], run.question)
    var derived = JSONObject()
    for member in answer["scfg"]?.objectValue ?? [:] where config[member.key] != member.value {
      derived[member.key] = member.value
    }
    derived["type"] = nil
    return derived
  }
}

extension StorageServices {
  /// Makes the secrets of a change available to the candidate that checks it.
  func offer(_ change: SecretChange, for storeid: String) {
    var offered: [String: String?] = change.set.mapValues { $0.value }
    for name in change.delete { offered.updateValue(nil, forKey: name) }
    offer(offered, for: storeid)
  }
}

extension SecretChange {
  /// Names and what happens to them, never values.
  var wire: JSON {
    let all = set.keys.map { ($0, "set") } + delete.map { ($0, "delete") }
    return .array(all.sorted { $0.0 < $1.0 }.map { ["name": .string($0.0), "action": .string($0.1)] })
  }
}

extension HookResult {
  /// Adds what a hook answered: a patch, secrets it made, what to show.
  mutating func take(_ answer: JSONObject, _ show: MutexBox<JSONObject>) throws(StorageError) {
    if let patch = answer["config"]?.objectValue {
      set.merge(patch["set"]?.objectValue ?? [:])
      delete += (patch["delete"]?.arrayValue ?? []).compactMap(\.stringValue)
    }
    for member in answer["secrets"]?.objectValue ?? [:] {
      guard let value = member.value.stringValue else {
        throw .refused(.resultInvalid, "the hook's secret '\(member.key)' is no string", hint: nil)
      }
      secrets[member.key] = Secret(value)
    }
    if let shown = answer["show"]?.objectValue { show.value = shown }
  }
}
