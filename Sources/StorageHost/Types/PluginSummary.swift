// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One installed plugin bundle, or one that cannot be used and why.
public struct PluginSummary: Sendable, Hashable, JSONEncodable {
  public var id: String?
  public var version: String?
  public var vendor: String?
  /// The bundle's folder.
  public var path: String
  /// Storage types it serves.
  public var types: [String]
  /// SHA-256 of the executable.
  public var sha256: String?
  /// Digest over the whole bundle: what consent is bound to.
  public var digest: String?
  /// Why it cannot be used.
  public var problem: String?
  /// Why what lies in its place now is not used: it goes on as it was read before.
  public var refusedUpdate: String?
  /// The permissions it asks for, one line each.
  public var permissions: [String]
  /// Why it asks for them.
  public var asks: [Ask]
  /// The manifest as it stands in the bundle.
  public var manifest: JSON?

  /// What its vendor says about a permission, and what we do.
  public struct Ask: Sendable, Hashable {
    /// Its line among ``PluginSummary/permissions``.
    public var permission: String
    /// Why the plugin wants it, in the vendor's words.
    public var reason: String
    /// Whether the plugin works without it.
    public var isOptional: Bool
    /// What to know before granting it.
    public var warning: String?
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.setOptional("id", id)
    object.setOptional("version", version)
    object.setOptional("vendor", vendor)
    object.set("path", path)
    object.set("types", types)
    object.setOptional("sha256", sha256)
    object.setOptional("digest", digest)
    object.setOptional("problem", problem)
    object.setOptional("refusedUpdate", refusedUpdate)
    object.set("permissions", permissions)
    object["manifest"] = manifest
    return .object(object)
  }
}
