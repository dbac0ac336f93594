// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox
internal import StorageProtocol

/// Where a storage stands with the bundle that serves it: what was agreed to, compared with what is asked for now.
struct Standing: Sendable {
  let record: Consents.Record?
  /// The grant the bundle would run under; nil when nobody agreed to anything of this plugin's.
  let grant: PermissionGrant?
  /// What it asks for beyond what was shown.
  let added: [String]
  /// What of it means something else than it did, by its line: a default of the new version's moved it.
  let moved: [String: String]
  /// What was granted and is no longer asked for.
  let removed: [String]
  /// What it needs and is not granted.
  let missing: [PermissionItem]
  let state: StoragePermissions.State

  /// - Parameter config: the storage's configuration as the bundle reads it; nil for one that cannot be used.
  init(_ record: Consents.Record?, _ bundle: BundleFacts, _ config: JSONObject?) {
    self.record = record
    let lines = PermissionGrant.lines(of: bundle.request)
    guard let record, record.plugin == bundle.id else {
      grant = nil
      moved = [:]
      added = lines
      removed = record?.grant.permissions.sorted() ?? []
      missing = []
      state = record == nil ? .none : .replaced
      return
    }
    let grant =
      record.grant.bundleDigest == bundle.digest
      ? record.grant : record.grant.rebound(to: bundle.request, bundleDigest: bundle.digest ?? "")
    self.grant = grant
    moved = record.moved(bundle, config)
    let grown = record.grant.growth(bundle.request)
    added = grown + moved.keys.sorted().filter { !grown.contains($0) }
    removed = record.grant.permissions.filter { old in !grant.permissions.contains(old) }.sorted()
    missing = grant.missing(bundle.request)
    if !added.isEmpty {
      state = .grown
    } else if !missing.isEmpty {
      state = .missing
    } else {
      let shown = PermissionItem.shown(of: bundle.request).map(\.line)
      state = shown.allSatisfy { grant.effective($0) == $0 } ? .granted : .reduced
    }
  }

  /// Why the storage is disabled; nil when it is not.
  func refusal(_ storeid: String, _ bundle: BundleFacts) -> StorageError? {
    let name = bundle.id ?? bundle.path
    switch state {
    case .granted, .reduced: return nil
    case .none:
      return refusal(
        "nobody agreed to the permissions of \(name) for storage '\(storeid)'",
        hint: "look at them with 'berth plugin show \(name)', then: "
          + "berth plugin permissions grant --storage \(storeid) --all")
    case .replaced:
      return refusal(
        "the plugin of storage '\(storeid)' was changed and is another plugin: \(name)",
        hint: "look at it with 'berth plugin show \(name)'; if that is right: "
          + "berth plugin permissions grant --storage \(storeid) --all")
    case .grown:
      let more = added.map { line in moved[line].map { "\(line) (\($0) now)" } ?? line }
      return refusal(
        "the plugin of storage '\(storeid)' was changed and asks for more: \(more.joined(separator: "; "))",
        hint: "if that is right: berth plugin permissions grant --storage \(storeid) --all, or grant a part of it")
    case .missing:
      let needs = missing.map { item in
        item.reason.isEmpty ? "'\(item.line)'" : "'\(item.line)' (\(Quoted(item.reason)))"
      }
      let lines = missing.map { "'\($0.line)'" }.joined(separator: " ")
      return refusal(
        "storage '\(storeid)' is disabled: its plugin needs what is not granted: \(needs.joined(separator: ", "))",
        hint: "grant it again: berth plugin permissions grant --storage \(storeid) \(lines)")
    }
  }

  private func refusal(_ message: String, hint: String) -> StorageError {
    .make(
      .permissionDenied, message, outcome: .notStarted, hint: hint,
      more: [
        "reason": "CONSENT_REQUIRED", "consent": .string(state.rawValue), "added": added.json(),
        "missing": missing.map(\.line).json(),
      ])
  }
}

extension Consents.Record {
  /// What another version of the bundle makes of permissions that are granted, by their lines, where that differs from
  /// what was agreed to.
  ///
  /// With the same bundle only the administrator's own edits make a difference.
  fileprivate func moved(_ bundle: BundleFacts, _ config: JSONObject?) -> [String: String] {
    guard let config, grant.bundleDigest != bundle.digest else { return [:] }
    let agreed = Set(resolved.filter { grant.effective($0.key) != nil }.values).union(grant.permissions)
    return bundle.request.resolvedTemplates(config).filter { line, text in
      grant.effective(line) == line && !PermissionGrant.isAgreed(text, agreed)
    }
  }
}
