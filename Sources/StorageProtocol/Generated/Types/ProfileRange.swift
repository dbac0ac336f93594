// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Versions of a method profile, both ends included.
public struct ProfileRange: JSONCodable, Sendable, Hashable {
  /// The oldest.
  public var min: Int
  /// The newest.
  public var max: Int

  public init(min: Int, max: Int) {
    self.min = min
    self.max = max
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.min = try object.integer("min", 1...100_000, at: path)
    self.max = try object.integer("max", 1...100_000, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("min", .int(Int64(min)))
    object.appendNew("max", .int(Int64(max)))
    return .object(object)
  }
}
