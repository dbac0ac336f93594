// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Which run of the plugin this is.
public struct SessionInfo: JSONCodable, Sendable, Hashable {
  /// New for every (plugin, storage) the host supervises.
  public var id: String
  /// Grows by one at every start of the process.
  public var epoch: Int64

  public init(id: String, epoch: Int64) {
    self.id = id
    self.epoch = epoch
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.id = try object.text("id", .length(1...64), at: path)
    self.epoch = try object.integer("epoch", 1...Int64.max, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("id", .string(id))
    object.appendNew("epoch", .int(epoch))
    return .object(object)
  }
}
