// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A plugin bundle the daemon found.
public struct PluginView: JSONCodable, Sendable, Hashable {
  /// The plugin's id, reverse-DNS; absent when the manifest cannot be read.
  public var id: String?
  /// The vendor's version.
  public var version: String?
  /// Who made it.
  public var vendor: String?
  /// The bundle's folder.
  public var path: String
  /// The storage types it serves.
  public var types: [String]
  /// SHA-256 of its executable, hexadecimal.
  public var sha256: String?
  /// Digest over the whole bundle: what consent names.
  public var digest: String?
  /// Why it cannot be used.
  public var problem: String?
  /// Why what lies in its place now is not used: it goes on as it was read before.
  public var refusedUpdate: String?
  /// What it asks to be allowed, one line each.
  public var permissions: [String]
  /// Why it asks for them; a line of ``permissions`` that speaks for itself has none.
  public var asks: [Ask]
  /// The manifest as it stands in the bundle.
  public var manifest: JSON?
  /// Its processes, with their scores; only when one plugin is asked for.
  public var processes: [ProcessView]?
  /// What its storages were granted; only when one plugin is asked for.
  public var storages: [PermissionsView]?

  /// A permission with its reason.
  public struct Ask: JSONCodable, Sendable, Hashable {
    /// The line of it: `fs rw ${config.path}`.
    public var permission: String
    /// Why the plugin wants it, in the vendor's words.
    public var reason: String
    /// Whether the plugin works without it.
    public var optional: Bool
    /// What to know before granting it.
    public var warning: String?

    public init(permission: String, reason: String, optional: Bool, warning: String? = nil) {
      self.permission = permission
      self.reason = reason
      self.optional = optional
      self.warning = warning
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      permission = try members.required("permission", at: path)
      reason = try members.required("reason", at: path)
      optional = try members.required("optional", at: path)
      warning = try members.optional("warning", at: path)
    }

    public func json() -> JSON {
      var members = JSONObject()
      members.set("permission", permission)
      members.set("reason", reason)
      members.set("optional", optional)
      members.setOptional("warning", warning)
      return .object(members)
    }
  }

  public init(
    id: String? = nil, version: String? = nil, vendor: String? = nil, path: String, types: [String],
    sha256: String? = nil, digest: String? = nil, problem: String? = nil, refusedUpdate: String? = nil,
    permissions: [String], asks: [Ask] = [],
    manifest: JSON? = nil, processes: [ProcessView]? = nil, storages: [PermissionsView]? = nil
  ) {
    self.id = id
    self.version = version
    self.vendor = vendor
    self.path = path
    self.types = types
    self.sha256 = sha256
    self.digest = digest
    self.problem = problem
    self.refusedUpdate = refusedUpdate
    self.permissions = permissions
    self.asks = asks
    self.manifest = manifest
    self.processes = processes
    self.storages = storages
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    id = try members.optional("id", at: path)
    version = try members.optional("version", at: path)
    vendor = try members.optional("vendor", at: path)
    self.path = try members.required("path", at: path)
    types = try members.required("types", at: path)
    sha256 = try members.optional("sha256", at: path)
    digest = try members.optional("digest", at: path)
    problem = try members.optional("problem", at: path)
    refusedUpdate = try members.optional("refusedUpdate", at: path)
    permissions = try members.required("permissions", at: path)
    asks = try members.optional("asks", at: path) ?? []
    manifest = try members.optional("manifest", at: path)
    processes = try members.optional("processes", at: path)
    storages = try members.optional("storages", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.setOptional("id", id)
    members.setOptional("version", version)
    members.setOptional("vendor", vendor)
    members.set("path", path)
    members.set("types", types)
    members.setOptional("sha256", sha256)
    members.setOptional("digest", digest)
    members.setOptional("problem", problem)
    members.setOptional("refusedUpdate", refusedUpdate)
    members.set("permissions", permissions)
    members.set("asks", asks)
    members.setOptional("manifest", manifest)
    members.setOptional("processes", processes)
    members.setOptional("storages", storages)
    return .object(members)
  }
}
