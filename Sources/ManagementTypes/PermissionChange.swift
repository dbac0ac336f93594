// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Permissions to grant or to revoke.
public struct PermissionChange: JSONCodable, Sendable, Hashable {
  /// Canonical lines, as asked for or narrower; absent for all.
  public var permissions: [String]?
  /// Digest of the bundle that was looked at; a grant needs it.
  public var digest: String?

  public init(permissions: [String]? = nil, digest: String? = nil) {
    self.permissions = permissions
    self.digest = digest
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["permissions", "digest"], at: path)
    permissions = try members.optional("permissions", at: path)
    digest = try members.optional("digest", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.setOptional("permissions", permissions)
    members.setOptional("digest", digest)
    return .object(members)
  }
}
