// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import StorageProtocol
internal import Synchronization

/// What an administrator agreed to when a storage was added: its plugin's permissions, bound to the bundle's digest.
///
/// A new version of the plugin that asks for no more is accepted by itself; one that asks for more waits for consent.
struct Consents: Sendable {
  static let scope = "consent"
  let notes: Notes
  private let cache = MutexBox<[String: Record]>([:])

  struct Record: Sendable, Hashable {
    var plugin: String
    var digest: String
    var permissions: [String]

    var json: JSON {
      ["plugin": .string(plugin), "digest": .string(digest), "permissions": permissions.json()]
    }
  }

  init(_ notes: Notes) { self.notes = notes }

  func record(_ storeid: String) async throws(StorageError) -> Record? {
    if let known = cache.value[storeid] { return known }
    let text: String?
    do throws(JobsError) { text = try await notes.get(Self.scope, storeid) } catch { throw StorageError(error) }
    guard let text, let json = try? JSON.parse(text), let plugin = json["plugin"]?.stringValue,
      let digest = json["digest"]?.stringValue
    else { return nil }
    let permissions = (json["permissions"]?.arrayValue ?? []).compactMap(\.stringValue)
    let record = Record(plugin: plugin, digest: digest, permissions: permissions)
    cache.value[storeid] = record
    return record
  }

  /// Records consent to everything the bundle asks for now.
  func give(_ storeid: String, _ bundle: BundleFacts) async throws(StorageError) {
    let record = Record(
      plugin: bundle.id ?? "", digest: bundle.digest ?? "", permissions: bundle.permissions)
    do throws(JobsError) { try await notes.put(Self.scope, storeid, record.json.text()) } catch {
      throw StorageError(error)
    }
    cache.value[storeid] = record
  }

  func withdraw(_ storeid: String) async throws(StorageError) {
    cache.value[storeid] = nil
    do throws(JobsError) { try await notes.delete(Self.scope, storeid) } catch { throw StorageError(error) }
  }

  /// Refuses to run a bundle that asks for more than was agreed to.
  func check(_ storeid: String, _ bundle: BundleFacts) async throws(StorageError) {
    let consent = "berth storage consent \(storeid)"
    guard let record = try await record(storeid) else {
      throw .refused(
        .permissionDenied, "nobody agreed to the permissions of \(bundle.id ?? bundle.path) for storage '\(storeid)'",
        hint: "look at them with 'berth plugin show \(bundle.id ?? "")', then: \(consent)")
    }
    if record.plugin == bundle.id, record.digest == bundle.digest { return }
    let more = bundle.permissions.filter { !record.permissions.contains($0) }
    guard record.plugin == bundle.id, more.isEmpty else {
      let what = record.plugin == bundle.id ? "asks for more: \(more.joined(separator: "; "))" : "is another plugin"
      throw .refused(
        .permissionDenied, "the plugin of storage '\(storeid)' was changed and \(what)",
        hint: "if that is right: \(consent)")
    }
    try await give(storeid, bundle)
  }
}
