// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What a new look at the plugin directories found about one bundle.
public struct PluginChangeView: JSONCodable, Sendable, Hashable {
  /// How one of the plugin's storages goes on.
  public struct Effect: JSONCodable, Sendable, Hashable {
    public var storeid: String
    /// `usable`, `switching` (operations under way finish with the earlier version), `consent` or `disabled`.
    public var state: String
    /// Why it is not usable.
    public var message: String?
    /// What to do about it.
    public var hint: String?

    public init(storeid: String, state: String, message: String? = nil, hint: String? = nil) {
      self.storeid = storeid
      self.state = state
      self.message = message
      self.hint = hint
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      storeid = try members.required("storeid", at: path)
      state = try members.required("state", at: path)
      message = try members.optional("message", at: path)
      hint = try members.optional("hint", at: path)
    }

    public func json() -> JSON {
      var members = JSONObject()
      members.set("storeid", storeid)
      members.set("state", state)
      members.setOptional("message", message)
      members.setOptional("hint", hint)
      return .object(members)
    }
  }

  /// `added`, `changed`, `removed`, `refused` or `unchanged`.
  public var change: String
  /// The plugin's id; absent when the manifest cannot be read.
  public var plugin: String?
  /// The version in force now; absent when none is.
  public var version: String?
  /// The version before, where there was another.
  public var earlierVersion: String?
  /// The bundle's folder.
  public var path: String
  /// Digest of the bundle in force.
  public var digest: String?
  /// Why the bundle, as it lies there, is not used.
  public var problem: String?
  /// What to do about the problem.
  public var hint: String?
  public var storages: [Effect]

  public init(
    change: String, plugin: String? = nil, version: String? = nil, earlierVersion: String? = nil, path: String,
    digest: String? = nil, problem: String? = nil, hint: String? = nil, storages: [Effect] = []
  ) {
    self.change = change
    self.plugin = plugin
    self.version = version
    self.earlierVersion = earlierVersion
    self.path = path
    self.digest = digest
    self.problem = problem
    self.hint = hint
    self.storages = storages
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    change = try members.required("change", at: path)
    plugin = try members.optional("plugin", at: path)
    version = try members.optional("version", at: path)
    earlierVersion = try members.optional("earlierVersion", at: path)
    self.path = try members.required("path", at: path)
    digest = try members.optional("digest", at: path)
    problem = try members.optional("problem", at: path)
    hint = try members.optional("hint", at: path)
    storages = try members.required("storages", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("change", change)
    members.setOptional("plugin", plugin)
    members.setOptional("version", version)
    members.setOptional("earlierVersion", earlierVersion)
    members.set("path", path)
    members.setOptional("digest", digest)
    members.setOptional("problem", problem)
    members.setOptional("hint", hint)
    members.set("storages", storages)
    return .object(members)
  }
}
