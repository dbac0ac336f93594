// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import StorageConfig
internal import StorageProtocol

extension StorageRegistry {
  /// Looks at the plugin directories again and puts in force what is there; one after the other.
  ///
  /// Operations under way finish with the version they began with; the next one after them starts the new one.
  /// - Parameter again: try new versions also that failed before, see ``proved(_:earlier:again:)``.
  /// - Returns: what was found of each bundle, sorted by plugin and path.
  @discardableResult
  func rescan(again: Bool = false) async -> [PluginChange] {
    let before = scanning
    let task = Task { () -> [PluginChange] in
      await before?.value
      return await self.look(again)
    }
    scanning = Task { _ = await task.value }
    return await task.value
  }

  private func look(_ again: Bool) async -> [PluginChange] {
    let earlier = bundles.filter { $0.problem == nil }
    var found = await proved(await house.bundles(), earlier: earlier, again: again)
    var seen: [String: String] = [:]
    for (index, bundle) in found.enumerated() where bundle.problem == nil {
      for type in bundle.types {
        if let other = seen[type.type] {
          found[index].problem = "storage type '\(type.type)' is served by \(other) already; remove one of the two"
        } else {
          seen[type.type] = bundle.id ?? bundle.path
        }
      }
    }
    bundles = found
    let usable = found.filter { $0.problem == nil }
    for bundle in earlier { for type in bundle.types where seen[type.type] == nil { departed[type.type] = bundle } }
    for type in seen.keys { departed[type] = nil }
    config.setSchema(StorageSchema(usable.flatMap(\.schemas)))
    await house.setInForce(usable)
    retire()
    var changes: [PluginChange] = []
    for bundle in found { changes.append(await change(bundle, earlier.first { $0.id == bundle.id })) }
    let refused = Set(changes.filter { $0.kind == .refused }.map(\.path))
    for old in earlier where !usable.contains(where: { $0.id == old.id }) && !refused.contains(old.path) {
      changes.append(await gone(old))
    }
    // What is wrong is told once, not at every look.
    let known = Set(told)
    told = changes.compactMap { change in change.problem.map { "\(change.path)\n\($0)" } }
    for change in changes where change.kind != .unchanged {
      if let problem = change.problem, known.contains("\(change.path)\n\(problem)") { continue }
      log(change)
    }
    return changes.sorted { ($0.plugin ?? "~", $0.path) < ($1.plugin ?? "~", $1.path) }
  }

  private func change(_ bundle: BundleFacts, _ old: BundleFacts?) async -> PluginChange {
    var change = PluginChange(
      kind: .unchanged, plugin: bundle.id, version: bundle.version, path: bundle.path, digest: bundle.digest,
      storages: await effects(bundle.types.map(\.type)))
    if let problem = bundle.problem {
      change.kind = .refused
      change.version = nil
      change.digest = nil
      change.problem = problem
      change.hint = "correct the bundle or remove it, then: berth plugin rescan"
    } else if let problem = bundle.refusedUpdate {
      change.kind = .refused
      change.problem = problem
      let copied = await house.copiedDigest(of: bundle.id ?? "")
      let isKept = copied != nil && copied == bundle.digest
      change.hint =
        "the plugin goes on with version \(bundle.version ?? "?"), "
        + (isKept ? "of which a copy is kept" : "and cannot start again once its process has ended")
        + ": correct the bundle, or put the old one back, then: berth plugin rescan"
    } else if let old {
      if old.digest != bundle.digest || old.path != bundle.path {
        change.kind = .changed
        change.earlierVersion = old.version
      }
    } else {
      change.kind = .added
    }
    return change
  }

  private func gone(_ old: BundleFacts) async -> PluginChange {
    PluginChange(
      kind: .removed, plugin: old.id, version: nil, earlierVersion: old.version, path: old.path,
      storages: await effects(old.types.map(\.type)))
  }

  /// How the storages of some types go on, in the order of the configuration.
  private func effects(_ types: [String]) async -> [PluginChange.Effect] {
    var effects: [PluginChange.Effect] = []
    for entry in config.snapshot.entries where types.contains(entry.type) {
      effects.append(await effect(entry))
    }
    return effects
  }

  private func effect(_ entry: StorageEntry) async -> PluginChange.Effect {
    var effect = PluginChange.Effect(storeid: entry.id, state: .usable)
    guard let bundle = bundle(serving: entry.type) else {
      let error = noPlugin(entry.id, entry.type)
      return PluginChange.Effect(storeid: entry.id, state: .disabled, message: error.message, hint: error.hint)
    }
    if let problem = entry.problems.first(where: { $0.severity == .error }) {
      effect.state = .disabled
      effect.message = "storage '\(entry.id)' is disabled: \(problem.description)"
      effect.hint = "give it values that the plugin takes: berth storage set \(entry.id) --option NAME=VALUE"
      return effect
    }
    do throws(StorageError) {
      let standing = try await consents.standing(entry.id, bundle, entry.usable?.config)
      if let refusal = standing.refusal(entry.id, bundle) { throw refusal }
    } catch {
      effect.state = error.code == .permissionDenied ? .consent : .disabled
      effect.message = error.message
      effect.hint = error.hint
      return effect
    }
    if let live = isLive(entry.id), live.digest != bundle.digest, live.uses.count > 0 {
      effect.state = .switching
      effect.message =
        "storage '\(entry.id)': operations under way (\(live.uses.count)) finish with the earlier version"
    }
    return effect
  }

  /// Why a storage cannot be used whose type nobody serves.
  func noPlugin(_ storeid: String, _ type: String) -> StorageError {
    if let old = departed[type] {
      let name = "\(old.id ?? "") \(old.version ?? "")"
      return .refused(
        .storageUnavailable,
        "storage '\(storeid)' is disabled: its plugin \(name) no longer serves type '\(type)' (it was in \(old.path))",
        hint: "put the plugin back, then: berth plugin rescan; the storage's configuration is kept")
    }
    return .refused(
      .storageUnavailable, "no installed plugin serves storage '\(storeid)' of type '\(type)'",
      hint: "install its plugin, then: berth plugin rescan; see 'berth plugin list'")
  }

  private func log(_ change: PluginChange) {
    var metadata: Logger.Metadata = ["path": "\(change.path)"]
    if let plugin = change.plugin { metadata["plugin"] = "\(plugin)" }
    if let version = change.version { metadata["version"] = "\(version)" }
    if let earlier = change.earlierVersion { metadata["earlier"] = "\(earlier)" }
    if let digest = change.digest { metadata["digest"] = "\(digest)" }
    guard let problem = change.problem else {
      logger.notice("plugin \(change.kind.rawValue)", metadata: metadata)
      return
    }
    metadata["problem"] = "\(problem)"
    if let hint = change.hint { metadata["hint"] = "\(hint)" }
    logger.warning("plugin bundle refused", metadata: metadata)
  }
}
