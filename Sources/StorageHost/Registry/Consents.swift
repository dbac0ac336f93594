// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import PluginSandbox
internal import StorageProtocol

/// What administrators agreed to, a record a storage: its plugin's permissions, bound to the bundle's digest.
///
/// A new version of the plugin that asks for no more is accepted by itself, with no more than it asks for; one that asks
/// for more waits for consent. Records are durable before anybody is told of them, and changed one after the other.
actor Consents {
  static let scope = "consent"
  private let notes: Notes
  private var cache: [String: Record] = [:]
  /// The end of the queue of everything that touches the records' file.
  private var tail: Task<Void, Never>?

  /// One storage's consent.
  struct Record: Sendable, Hashable {
    var plugin: String
    var grant: PermissionGrant
    /// What the permissions with properties in them came to then, by their lines.
    var resolved: [String: String]

    var json: JSON {
      [
        "plugin": .string(plugin), "digest": .string(grant.bundleDigest), "requested": grant.requested.sorted().json(),
        "permissions": grant.permissions.sorted().json(),
        "resolved": .object(
          JSONObject(lastWins: resolved.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
      ]
    }

    init(plugin: String, grant: PermissionGrant, resolved: [String: String]) {
      self.plugin = plugin
      self.grant = grant
      self.resolved = resolved
    }

    /// nil for a text that is no record: then nobody agreed to anything.
    init?(_ text: String) {
      guard let json = try? JSON.parse(text), let plugin = json["plugin"]?.stringValue,
        let digest = json["digest"]?.stringValue, let lines = json["permissions"]?.arrayValue
      else { return nil }
      let requested = json["requested"]?.arrayValue ?? lines
      self.init(
        plugin: plugin,
        grant: PermissionGrant(
          bundleDigest: digest, requested: Set(requested.compactMap(\.stringValue)),
          permissions: Set(lines.compactMap(\.stringValue))),
        resolved: (json["resolved"]?.objectValue ?? [:]).reduce(into: [:]) { $0[$1.key] = $1.value.stringValue })
    }
  }

  init(_ notes: Notes) { self.notes = notes }

  /// What was agreed to for a storage; nil when nobody agreed to anything.
  func record(_ storeid: String) async throws(StorageError) -> Record? {
    if let known = cache[storeid] { return known }
    return try await queued { () async throws(StorageError) in try await self.read(storeid) }
  }

  /// Records consent to everything the bundle asks for now, with this configuration.
  func give(_ storeid: String, _ bundle: BundleFacts, _ config: JSONObject) async throws(StorageError) {
    try await change(storeid) { _ in
      Record(
        plugin: bundle.id ?? "",
        grant: PermissionGrant(everythingIn: bundle.request, bundleDigest: bundle.digest ?? ""),
        resolved: bundle.request.resolvedTemplates(config))
    }
  }

  /// Takes over what an administrator's own change of the configuration makes of the permissions.
  ///
  /// Only while the bundle is the one that was agreed to: what another one makes of them by its defaults is asked about.
  func follow(_ storeid: String, _ bundle: BundleFacts, _ config: JSONObject) async throws(StorageError) {
    try await change(storeid) { old in
      guard var record = old, record.plugin == bundle.id, record.grant.bundleDigest == bundle.digest else { return nil }
      record.resolved = bundle.request.resolvedTemplates(config)
      return record == old ? nil : record
    }
  }

  /// Changes what is granted of what the bundle asks for now. Whatever it asks for counts as shown from then on.
  ///
  /// - Parameter body: changes the grant; it starts with what of an earlier consent is still asked for.
  func edit(
    _ storeid: String, _ bundle: BundleFacts, _ config: JSONObject,
    _ body: @escaping @Sendable (inout PermissionGrant) throws(SandboxError) -> Void
  ) async throws(StorageError) {
    try await change(storeid) { (old) throws(StorageError) in
      let digest = bundle.digest ?? ""
      var earlier = old?.plugin == bundle.id ? old?.grant : nil
      // What came to mean something else was not agreed to.
      for line in Standing(old, bundle, config).moved.keys { earlier?.forget(line) }
      var grant =
        earlier?.rebound(to: bundle.request, bundleDigest: digest)
        ?? PermissionGrant(
          bundleDigest: digest, requested: Set(PermissionGrant.lines(of: bundle.request)), permissions: [])
      do throws(SandboxError) { try body(&grant) } catch {
        throw .refused(.invalidParams, error.message, hint: error.hint, field: "permissions")
      }
      return Record(plugin: bundle.id ?? "", grant: grant, resolved: bundle.request.resolvedTemplates(config))
    }
  }

  /// Forgets a storage that is gone.
  func withdraw(_ storeid: String) async throws(StorageError) {
    try await queued { () async throws(StorageError) in
      do throws(JobsError) { try await self.notes.delete(Self.scope, storeid) } catch { throw StorageError(error) }
      await self.remember(storeid, nil)
    }
  }

  /// Where a storage stands with this bundle, without changing anything.
  /// - Parameter config: the storage's configuration as the bundle reads it; nil for one that cannot be used.
  func standing(
    _ storeid: String, _ bundle: BundleFacts, _ config: JSONObject?
  ) async throws(StorageError) -> Standing {
    Standing(try await record(storeid), bundle, config)
  }

  /// What the bundle may have for the storage.
  ///
  /// - Throws: PERMISSION_DENIED for a bundle that asks for more than was agreed to, or lacks what it needs.
  func check(
    _ storeid: String, _ bundle: BundleFacts, _ config: JSONObject
  ) async throws(StorageError) -> PermissionGrant {
    let standing = try await standing(storeid, bundle, config)
    if let refusal = standing.refusal(storeid, bundle) { throw refusal }
    if let grant = standing.grant {
      let record = Record(
        plugin: bundle.id ?? "", grant: grant, resolved: bundle.request.resolvedTemplates(config))
      // The same or less than before, or the administrator's own edit: taken over by itself, unless somebody changed the
      // consent in between.
      if standing.record != record {
        try await change(storeid) { old in old == standing.record ? record : nil }
      }
    }
    return standing.grant ?? PermissionGrant(bundleDigest: bundle.digest ?? "", permissions: [])
  }

  // MARK: - One after the other

  private func change(
    _ storeid: String, _ body: @escaping @Sendable (Record?) throws(StorageError) -> Record?
  ) async throws(StorageError) {
    try await queued { () async throws(StorageError) in
      guard let record = try body(try await self.read(storeid)) else { return }
      do throws(JobsError) { try await self.notes.put(Self.scope, storeid, record.json.text()) } catch {
        throw StorageError(error)
      }
      await self.remember(storeid, record)
    }
  }

  private func read(_ storeid: String) async throws(StorageError) -> Record? {
    if let known = cache[storeid] { return known }
    let text: String?
    do throws(JobsError) { text = try await notes.get(Self.scope, storeid) } catch { throw StorageError(error) }
    let record = text.flatMap(Record.init)
    cache[storeid] = record
    return record
  }

  private func remember(_ storeid: String, _ record: Record?) { cache[storeid] = record }

  /// Runs the body after everything that was asked for before.
  private func queued<Value: Sendable>(
    _ body: @escaping @Sendable () async throws(StorageError) -> Value
  ) async throws(StorageError) -> Value {
    let before = tail
    let work = Task { () async -> Result<Value, StorageError> in
      await before?.value
      do throws(StorageError) { return .success(try await body()) } catch { return .failure(error) }
    }
    tail = Task { _ = await work.value }
    return try await work.value.get()
  }
}
