// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What one storage's plugin asks for, and what was granted of it.
public struct PermissionsView: JSONCodable, Sendable, Hashable {
  /// One permission that is asked for.
  public struct Item: JSONCodable, Sendable, Hashable {
    /// Its canonical form, templates unresolved: `fs rw ${config.path}`.
    public var permission: String
    /// The same with the storage's configuration filled in; absent when a property is missing.
    public var resolved: String?
    /// What of it is granted, perhaps narrower; absent when nothing is.
    public var granted: String?
    /// Why the plugin wants it, in the vendor's words.
    public var reason: String
    /// Whether the plugin works without it.
    public var optional: Bool
    /// Whether it was not asked for when consent was given.
    public var new: Bool
    /// What to know before granting it.
    public var warning: String?

    public init(
      permission: String, resolved: String? = nil, granted: String? = nil, reason: String, optional: Bool, new: Bool,
      warning: String? = nil
    ) {
      self.permission = permission
      self.resolved = resolved
      self.granted = granted
      self.reason = reason
      self.optional = optional
      self.new = new
      self.warning = warning
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      permission = try members.required("permission", at: path)
      resolved = try members.optional("resolved", at: path)
      granted = try members.optional("granted", at: path)
      reason = try members.required("reason", at: path)
      optional = try members.required("optional", at: path)
      new = try members.required("new", at: path)
      warning = try members.optional("warning", at: path)
    }

    public func json() -> JSON {
      var members = JSONObject()
      members.set("permission", permission)
      members.setOptional("resolved", resolved)
      members.setOptional("granted", granted)
      members.set("reason", reason)
      members.set("optional", optional)
      members.set("new", new)
      members.setOptional("warning", warning)
      return .object(members)
    }
  }

  /// The storage.
  public var storeid: String
  /// Its type.
  public var type: String
  /// The plugin that serves it now.
  public var plugin: String
  /// Digest of the plugin's bundle as it is now; a grant names it.
  public var digest: String
  /// Digest of the bundle that consent was given to; absent when nobody agreed to anything.
  public var agreedDigest: String?
  /// `granted` or `reduced` when the storage may be used; `missing`, `grown`, `replaced` or `none` when it is disabled.
  public var state: String
  /// What is asked for.
  public var items: [Item]
  /// Asked for beyond what was shown to whoever agreed.
  public var added: [String]
  /// Granted once, and no longer asked for.
  public var removed: [String]
  /// Needed and not granted.
  public var missing: [String]

  public init(
    storeid: String, type: String, plugin: String, digest: String, agreedDigest: String? = nil, state: String,
    items: [Item], added: [String], removed: [String], missing: [String]
  ) {
    self.storeid = storeid
    self.type = type
    self.plugin = plugin
    self.digest = digest
    self.agreedDigest = agreedDigest
    self.state = state
    self.items = items
    self.added = added
    self.removed = removed
    self.missing = missing
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    storeid = try members.required("storeid", at: path)
    type = try members.required("type", at: path)
    plugin = try members.required("plugin", at: path)
    digest = try members.required("digest", at: path)
    agreedDigest = try members.optional("agreedDigest", at: path)
    state = try members.required("state", at: path)
    items = try members.required("items", at: path)
    added = try members.required("added", at: path)
    removed = try members.required("removed", at: path)
    missing = try members.required("missing", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("storeid", storeid)
    members.set("type", type)
    members.set("plugin", plugin)
    members.set("digest", digest)
    members.setOptional("agreedDigest", agreedDigest)
    members.set("state", state)
    members.set("items", items)
    members.set("added", added)
    members.set("removed", removed)
    members.set("missing", missing)
    return .object(members)
  }
}
