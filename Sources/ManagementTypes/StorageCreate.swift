// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A storage to add.
public struct StorageCreate: JSONCodable, Sendable, Hashable {
  /// Its id: a letter, then letters, digits, `-`, `_`, `.`; at least two characters.
  public var storeid: String
  /// Its type.
  public var type: String
  /// Its properties.
  public var properties: JSONObject
  /// Its secret properties; kept apart, never shown again.
  public var secrets: [String: String]
  /// What `PluginView.sha256` said when the administrator saw and allowed the permissions. Without it, a plugin that asks for any is refused.
  public var consent: String?
  /// The configuration file's digest the caller has seen.
  public var digest: String?

  public init(
    storeid: String, type: String, properties: JSONObject = JSONObject(), secrets: [String: String] = [:],
    consent: String? = nil, digest: String? = nil
  ) {
    self.storeid = storeid
    self.type = type
    self.properties = properties
    self.secrets = secrets
    self.consent = consent
    self.digest = digest
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["storeid", "type", "properties", "secrets", "consent", "digest"], at: path)
    storeid = try members.required("storeid", at: path)
    type = try members.required("type", at: path)
    properties = try members.optional("properties", at: path, default: JSONObject())
    secrets = try members.optional("secrets", at: path, default: [:])
    consent = try members.optional("consent", at: path)
    digest = try members.optional("digest", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("storeid", storeid)
    members.set("type", type)
    members.set("properties", properties)
    members.set("secrets", secrets)
    members.setOptional("consent", consent)
    members.setOptional("digest", digest)
    return .object(members)
  }
}
