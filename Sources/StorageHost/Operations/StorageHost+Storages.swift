// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Logging
internal import StorageConfig
public import StorageProtocol
internal import StorageRules

extension StorageHost {
  /// Every configured storage, in the order of the file, broken ones among them.
  public func storages() async throws(StorageError) -> [StorageSummary] {
    let snapshot: ConfigSnapshot
    do throws(ConfigError) { snapshot = try await registry.config.read() } catch { throw StorageError(error) }
    var result: [StorageSummary] = []
    for entry in snapshot.entries { result.append(await summary(entry, snapshot)) }
    return result
  }

  /// One configured storage.
  public func storage(_ storeid: String) async throws(StorageError) -> StorageSummary {
    try InputChecks.storeid(storeid)
    let snapshot: ConfigSnapshot
    do throws(ConfigError) { snapshot = try await registry.config.read() } catch { throw StorageError(error) }
    guard let entry = snapshot[storeid] else {
      throw .noStorage(storeid)
    }
    return await summary(entry, snapshot)
  }

  /// Refuses an id that no section of the configuration has.
  func mustBeConfigured(_ storeid: String) throws(StorageError) {
    guard registry.config.snapshot[storeid] == nil else { return }
    throw .noStorage(storeid)
  }

  /// The type a section has, usable or not.
  func configuredType(_ storeid: String) throws(StorageError) -> String {
    guard let entry = registry.config.snapshot[storeid] else { throw .noStorage(storeid) }
    return entry.type
  }

  /// SHA-1 of the configuration as it stands in the file now.
  public func configDigest() async throws(StorageError) -> String {
    do throws(ConfigError) { return try await registry.config.read().digest } catch { throw StorageError(error) }
  }

  private func summary(_ entry: StorageEntry, _ snapshot: ConfigSnapshot) async -> StorageSummary {
    var properties = JSONObject()
    for property in snapshot.file.sections(named: entry.id).first?.properties ?? [] {
      let sensitive = await registry.isSensitive(property.key, type: entry.type)
      properties[property.key] = sensitive ? .string(JSON.redactionMark) : property.value.map(JSON.string) ?? true
    }
    let usable = entry.usable
    var problem = entry.problems.first { $0.severity == .error }?.description
    if await registry.departed[entry.type] != nil {
      problem = await registry.noPlugin(entry.id, entry.type).message
    } else if problem == nil, usable != nil {
      problem = await registry.problem(entry.id)
    }
    let secrets: [String]
    do throws(ConfigError) { secrets = try await registry.config.secrets.secrets(of: entry.id).keys.sorted() } catch {
      secrets = []
    }
    return StorageSummary(
      storeid: entry.id, type: entry.type, plugin: await registry.bundle(serving: entry.type)?.id,
      content: usable.map { $0.content.map(\.rawValue).sorted() } ?? [], isShared: usable?.isShared ?? false,
      isEnabled: usable?.isAvailable(on: settings.node) ?? false, problem: problem, properties: properties,
      config: usable?.config, secrets: secrets, digest: snapshot.digest)
  }

  /// Agrees to the permissions a storage's plugin asks for now, after it was changed.
  public func consent(_ storeid: String, _ caller: Caller) async throws(StorageError) {
    try InputChecks.storeid(storeid)
    guard let entry = registry.config.snapshot[storeid] else { throw .noStorage(storeid) }
    guard let bundle = await registry.bundle(serving: entry.type) else {
      throw await registry.noPlugin(storeid, entry.type)
    }
    try await registry.consents.give(storeid, bundle, entry.usable?.config ?? [:])
    await registry.changed(storeid)
    await registry.rescan()
    logger.notice(
      "consent given", metadata: ["storeid": "\(storeid)", "actor": "\(caller.actor)", "plugin": "\(bundle.id ?? "")"])
  }
}

extension StorageRegistry {
  func isSensitive(_ property: String, type: String) -> Bool {
    config.schema.types[type]?.sensitiveProperties.contains(property) == true
  }

  /// Why the plugin of a configured storage cannot be used now.
  func problem(_ storeid: String) async -> String? {
    do throws(StorageError) {
      guard let entry = config.snapshot[storeid] else { return nil }
      guard let bundle = bundle(serving: entry.type) else { throw noPlugin(storeid, entry.type) }
      return try await consents.standing(storeid, bundle, entry.usable?.config).refusal(storeid, bundle)?.message
    } catch { return error.message }
  }
}
