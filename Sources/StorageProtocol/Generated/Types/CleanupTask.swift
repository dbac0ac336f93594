// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Work left after a volume's name is gone, run by the host outside the lock.
public struct CleanupTask: JSONCodable, Sendable, Hashable {
  /// Given back to the plugin in `run_cleanup`; must mean the same after a restart.
  public var token: String
  /// What it does, for people.
  public var description: String?

  public init(token: String, description: String? = nil) {
    self.token = token
    self.description = description
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.token = try object.text("token", .length(1...4096), at: path)
    self.description = try object.optionalText("description", .length(0...512), at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("token", .string(token))
    if let description { object.appendNew("description", .string(description)) }
    return .object(object)
  }
}
