// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Who the plugin is; must agree with its manifest.
public struct PluginInfo: JSONCodable, Sendable, Hashable {
  /// Reverse-DNS id.
  public var id: String
  /// The plugin's version.
  public var version: String
  /// Build or commit, for reports.
  public var build: String?

  public init(id: String, version: String, build: String? = nil) {
    self.id = id
    self.version = version
    self.build = build
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.id = try object.text("id", .length(3...255), at: path)
    self.version = try object.text("version", .length(1...64), at: path)
    self.build = try object.optionalText("build", .length(0...128), at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(3)
    object.appendNew("id", .string(id))
    object.appendNew("version", .string(version))
    if let build { object.appendNew("build", .string(build)) }
    return .object(object)
  }
}
