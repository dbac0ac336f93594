// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Changes a hook wants in the configuration; the host checks them against the schema and writes them.
public struct ConfigPatch: JSONCodable, Sendable, Hashable {
  /// Properties to set.
  public var set: JSONObject?
  /// Properties to remove.
  public var delete: [String]?

  public init(set: JSONObject? = nil, delete: [String]? = nil) {
    self.set = set
    self.delete = delete
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.set = try object.optional("set", at: path)
    self.delete = try object.optionalTexts("delete", .length(1...128), upTo: 256, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    if let set { object.appendNew("set", .object(set)) }
    if let delete { object.appendNew("delete", delete.json()) }
    return .object(object)
  }
}
