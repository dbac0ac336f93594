// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What happens to a sensitive property; its new value is served by `host.secret.get` while the hook runs.
public struct SensitiveChange: JSONCodable, Sendable, Hashable {
  /// The property.
  public var name: String
  /// What happens to it.
  public var action: SensitiveAction

  public init(name: String, action: SensitiveAction) {
    self.name = name
    self.action = action
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.name = try object.text("name", .length(1...128), at: path)
    self.action = try object.required("action", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("name", .string(name))
    object.appendNew("action", action.json())
    return .object(object)
  }
}
