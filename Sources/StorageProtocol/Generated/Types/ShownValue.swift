// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Something to show to whoever made the change.
public struct ShownValue: JSONCodable, Sendable, Hashable {
  /// The text.
  public var value: String
  /// Show once, keep out of logs and job results.
  public var sensitive: Bool?

  public init(value: String, sensitive: Bool? = nil) {
    self.value = value
    self.sensitive = sensitive
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.value = try object.text("value", .length(0...65536), at: path)
    self.sensitive = try object.optional("sensitive", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("value", .string(value))
    if let sensitive { object.appendNew("sensitive", .bool(sensitive)) }
    return .object(object)
  }
}
