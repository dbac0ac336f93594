// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A configuration file to take over, such as `/etc/pve/storage.cfg`.
public struct ConfigTakeover: JSONCodable, Sendable, Hashable {
  /// The file's text.
  public var text: String
  /// Values of sensitive properties by storage: `{"nas": {"password": "…"}}`.
  public var secrets: [String: [String: String]]
  /// `digest` of the bundles whose permissions are allowed.
  public var consent: [String]
  /// Whether storages that exist already are left out.
  public var skipExisting: Bool
  /// Of the configuration seen before; a change by somebody else since is a conflict.
  public var digest: String?

  public init(
    text: String, secrets: [String: [String: String]] = [:], consent: [String] = [], skipExisting: Bool = false,
    digest: String? = nil
  ) {
    self.text = text
    self.secrets = secrets
    self.consent = consent
    self.skipExisting = skipExisting
    self.digest = digest
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["text", "secrets", "consent", "skipExisting", "digest"], at: path)
    text = try members.required("text", at: path)
    secrets = [:]
    let given: JSONObject = try members.optional("secrets", at: path, default: JSONObject())
    for storage in given {
      let place = path.appending("secrets").appending(storage.key)
      var values: [String: String] = [:]
      for member in try storage.value.object(at: place) {
        values[member.key] = try String(json: member.value, path: place.appending(member.key))
      }
      secrets[storage.key] = values
    }
    consent = try members.optional("consent", at: path, default: [])
    skipExisting = try members.optional("skipExisting", at: path, default: false)
    digest = try members.optional("digest", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("text", text)
    var given = JSONObject()
    for (storage, values) in secrets.sorted(by: { $0.key < $1.key }) {
      var object = JSONObject()
      for (name, value) in values.sorted(by: { $0.key < $1.key }) { object.set(name, value) }
      given[storage] = .object(object)
    }
    if !given.isEmpty { members["secrets"] = .object(given) }
    members.set("consent", consent)
    members.set("skipExisting", skipExisting)
    members.setOptional("digest", digest)
    return .object(members)
  }
}
