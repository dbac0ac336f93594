// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Logging
internal import PluginSandbox
internal import StorageConfig
internal import StorageProtocol

extension StorageRegistry {
  /// What is to be in force of the bundles that were found: a version that differs from the one that ran well has to
  /// start and greet the host first, beside the running one. One that does not leaves the old version in force.
  /// - Parameters:
  ///   - earlier: the usable bundles in force until now.
  ///   - again: try also what failed before and was not changed since.
  func proved(_ found: [BundleFacts], earlier: [BundleFacts], again: Bool) async -> [BundleFacts] {
    // Side by side: the daemon's start waits for it, and several that never answer take no longer than one.
    await withTaskGroup(of: (Int, BundleFacts).self) { group in
      for (index, bundle) in found.enumerated() {
        group.addTask { (index, await self.proved(bundle, earlier.first { $0.id == bundle.id }, again: again)) }
      }
      var result = found
      for await (index, bundle) in group { result[index] = bundle }
      return result
    }
  }

  private func proved(_ bundle: BundleFacts, _ earlier: BundleFacts?, again: Bool) async -> BundleFacts {
    guard bundle.problem == nil, bundle.refusedUpdate == nil, let id = bundle.id, let digest = bundle.digest,
      !provedBundles.contains(digest), await house.copiedDigest(of: id) != digest
    else { return bundle }
    // What ran well; or, where no copy of that could be kept, what is in force and perhaps runs.
    guard let old = await house.copy(of: id) ?? earlier, old.digest != digest else { return bundle }
    if !again, let failure = failedTrials[digest] { return old.refusing(failure) }
    guard let storage = await trialStorage(bundle) else { return bundle }
    logger.info(
      "a new version is tried before it takes over",
      metadata: ["plugin": "\(id)", "version": "\(bundle.version ?? "")", "storeid": "\(storage.resolved.id)"])
    do throws(StorageError) {
      try await run(bundle, storage)
      provedBundles.insert(digest)
      failedTrials[digest] = nil
      return bundle
    } catch {
      let failure =
        "version \(bundle.version ?? "?") was tried with storage '\(storage.resolved.id)' and does not run: "
        + error.message
      // Whose fault it is shows later: a launcher comes back.
      if error.details["sandbox"]?.stringValue != SandboxError.Code.launcherUnavailable.rawValue {
        failedTrials[digest] = failure
      }
      return old.refusing(failure)
    }
  }

  private struct Trial {
    var resolved: ResolvedStorage
    var grant: PermissionGrant
  }

  /// A storage that the bundle could serve now, one that is in use before others; nil: nobody would miss the old version.
  private func trialStorage(_ bundle: BundleFacts) async -> Trial? {
    let schema = StorageSchema(bundle.schemas)
    let entries = config.snapshot.entries.filter { entry in bundle.types.contains { $0.type == entry.type } }
    for entry in entries.filter({ isLive($0.id) != nil }) + entries.filter({ isLive($0.id) == nil }) {
      guard let section = config.snapshot.file.sections(named: entry.id).first,
        let resolved = schema.resolve(section).usable, resolved.isAvailable(on: node)
      else { continue }
      do throws(StorageError) {
        let standing = try await consents.standing(entry.id, bundle, resolved.config)
        guard standing.refusal(entry.id, bundle) == nil else { continue }
        let grant = standing.grant ?? PermissionGrant(bundleDigest: bundle.digest ?? "", permissions: [])
        return Trial(resolved: resolved, grant: grant)
      } catch { continue }
    }
    return nil
  }

  /// Starts it, with all that this storage would grant, up to the end of the handshake.
  private func run(_ bundle: BundleFacts, _ trial: Trial) async throws(StorageError) {
    let resolved = trial.resolved
    let candidate = try await house.candidate(
      bundle, storeid: resolved.id, type: resolved.type, scfg: resolved.config, grant: trial.grant, services: services)
    let result: Result<Void, StorageError>
    do throws(StorageError) { result = .success(try await candidate.start()) } catch { result = .failure(error) }
    await candidate.close()
    try result.get()
  }
}

extension BundleFacts {
  /// The same, which goes on because what lies in its place is refused.
  fileprivate func refusing(_ reason: String) -> BundleFacts {
    var facts = self
    facts.problem = nil
    facts.refusedUpdate = reason
    return facts
  }
}
