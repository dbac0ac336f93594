// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A configured storage, without its secrets.
public struct StorageView: JSONCodable, Sendable, Hashable {
  /// Its id.
  public var storeid: String
  /// Its type, which names the plugin that serves it.
  public var type: String
  /// The plugin that serves it; absent when none of those installed does.
  public var plugin: String?
  /// What may be kept there.
  public var content: [String]
  /// Whether other nodes see the same content.
  public var shared: Bool
  /// False when it is disabled or not meant for this node.
  public var enabled: Bool
  /// Why it cannot be used although it is configured.
  public var problem: String?
  /// Its section of the configuration file, as it stands there.
  public var properties: JSONObject
  /// Names of the secrets that are stored for it; never their values.
  public var secrets: [String]
  /// SHA-1 of the whole configuration file; send it with a change to be told when someone else was faster.
  public var digest: String

  public init(
    storeid: String, type: String, plugin: String? = nil, content: [String], shared: Bool, enabled: Bool,
    problem: String? = nil, properties: JSONObject, secrets: [String], digest: String
  ) {
    self.storeid = storeid
    self.type = type
    self.plugin = plugin
    self.content = content
    self.shared = shared
    self.enabled = enabled
    self.problem = problem
    self.properties = properties
    self.secrets = secrets
    self.digest = digest
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    storeid = try members.required("storeid", at: path)
    type = try members.required("type", at: path)
    plugin = try members.optional("plugin", at: path)
    content = try members.required("content", at: path)
    shared = try members.required("shared", at: path)
    enabled = try members.required("enabled", at: path)
    problem = try members.optional("problem", at: path)
    properties = try members.required("properties", at: path)
    secrets = try members.required("secrets", at: path)
    digest = try members.required("digest", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("storeid", storeid)
    members.set("type", type)
    members.setOptional("plugin", plugin)
    members.set("content", content)
    members.set("shared", shared)
    members.set("enabled", enabled)
    members.setOptional("problem", problem)
    members.set("properties", properties)
    members.set("secrets", secrets)
    members.set("digest", digest)
    return .object(members)
  }
}
