// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What is running.
public struct VersionInfo: JSONCodable, Sendable, Hashable {
  /// Berth's version.
  public var version: String
  /// The management API's version; `1` is served under `/api/v1`.
  public var api: Int
  /// The plugin protocol versions the host speaks, `1.0`.
  public var protocolVersion: String

  public init(version: String, api: Int, protocolVersion: String) {
    self.version = version
    self.api = api
    self.protocolVersion = protocolVersion
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    version = try members.required("version", at: path)
    api = try members.required("api", at: path)
    protocolVersion = try members.required("protocol", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("version", version)
    members.set("api", api)
    members.set("protocol", protocolVersion)
    return .object(members)
  }
}
