// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A change to a storage.
public struct StorageUpdate: JSONCodable, Sendable, Hashable {
  /// Properties to set.
  public var set: JSONObject
  /// Properties to remove.
  public var delete: [String]
  /// Secrets to set.
  public var secrets: [String: String]
  /// Consent to a grown set of permissions, as in StorageCreate.
  public var consent: String?
  /// The configuration file's digest the caller has seen.
  public var digest: String?

  public init(
    set: JSONObject = JSONObject(), delete: [String] = [], secrets: [String: String] = [:], consent: String? = nil,
    digest: String? = nil
  ) {
    self.set = set
    self.delete = delete
    self.secrets = secrets
    self.consent = consent
    self.digest = digest
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["set", "delete", "secrets", "consent", "digest"], at: path)
    set = try members.optional("set", at: path, default: JSONObject())
    delete = try members.optional("delete", at: path, default: [])
    secrets = try members.optional("secrets", at: path, default: [:])
    consent = try members.optional("consent", at: path)
    digest = try members.optional("digest", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("set", set)
    members.set("delete", delete)
    members.set("secrets", secrets)
    members.setOptional("consent", consent)
    members.setOptional("digest", digest)
    return .object(members)
  }
}
