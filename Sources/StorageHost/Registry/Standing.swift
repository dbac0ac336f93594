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
  /// What was granted and is no longer asked for.
  let removed: [String]
  /// What it needs and is not granted.
  let missing: [PermissionItem]
  let state: StoragePermissions.State

  init(_ record: Consents.Record?, _ bundle: BundleFacts) {
    self.record = record
    let lines = PermissionGrant.lines(of: bundle.request)
    guard let record, record.plugin == bundle.id else {
      grant = nil
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
    added = record.grant.growth(bundle.request)
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
      return refusal(
        "the plugin of storage '\(storeid)' was changed and asks for more: \(added.joined(separator: "; "))",
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
