// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Result of a backup's last check.
public struct Verification: JSONCodable, Sendable, Hashable {
  /// `ok`, `failed` or `none`.
  public var state: String
  /// The task that checked.
  public var upid: String?

  public init(state: String, upid: String? = nil) {
    self.state = state
    self.upid = upid
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.state = try object.text("state", .length(0...32), at: path)
    self.upid = try object.optionalText("upid", .length(0...256), at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("state", .string(state))
    if let upid { object.appendNew("upid", .string(upid)) }
    return .object(object)
  }
}
