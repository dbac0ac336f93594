// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How a configuration property may be given.
public struct PropertyOption: JSONCodable, Sendable, Hashable {
  /// May be absent.
  public var optional: Bool
  /// Can be given only when the storage is added.
  public var fixed: Bool

  public init(optional: Bool, fixed: Bool) {
    self.optional = optional
    self.fixed = fixed
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.optional = try object.required("optional", at: path)
    self.fixed = try object.required("fixed", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("optional", .bool(optional))
    object.appendNew("fixed", .bool(fixed))
    return .object(object)
  }
}
