// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What could not be carried over in an import.
public struct ImportWarning: JSONCodable, Sendable, Hashable {
  /// A stable name.
  public var type: String
  /// Which guest property.
  public var key: String?
  /// Its value.
  public var value: String?

  public init(type: String, key: String? = nil, value: String? = nil) {
    self.type = type
    self.key = key
    self.value = value
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.type = try object.text("type", .length(0...64), at: path)
    self.key = try object.optionalText("key", .length(0...128), at: path)
    self.value = try object.optionalText("value", .length(0...1024), at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(3)
    object.appendNew("type", .string(type))
    if let key { object.appendNew("key", .string(key)) }
    if let value { object.appendNew("value", .string(value)) }
    return .object(object)
  }
}
