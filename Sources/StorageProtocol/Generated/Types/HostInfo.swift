// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Who the host is.
public struct HostInfo: JSONCodable, Sendable, Hashable {
  /// Product name.
  public var name: String
  /// Product version.
  public var version: String
  /// Name of this node.
  public var node: String
  /// Name of the cluster; absent on a single node.
  public var cluster: String?

  public init(name: String, version: String, node: String, cluster: String? = nil) {
    self.name = name
    self.version = version
    self.node = node
    self.cluster = cluster
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.name = try object.text("name", .length(0...128), at: path)
    self.version = try object.text("version", .length(0...64), at: path)
    self.node = try object.text("node", .length(0...255), at: path)
    self.cluster = try object.optionalText("cluster", .length(0...255), at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(4)
    object.appendNew("name", .string(name))
    object.appendNew("version", .string(version))
    object.appendNew("node", .string(node))
    if let cluster { object.appendNew("cluster", .string(cluster)) }
    return .object(object)
  }
}
