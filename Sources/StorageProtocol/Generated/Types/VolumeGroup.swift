// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A granted volume group.
public struct VolumeGroup: JSONCodable, Sendable, Hashable {
  /// VG name.
  public var name: String
  /// Size.
  public var size: ByteCount
  /// Not allocated.
  public var free: ByteCount

  public init(name: String, size: ByteCount, free: ByteCount) {
    self.name = name
    self.size = size
    self.free = free
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.name = try object.text("name", .length(1...128), at: path)
    self.size = try object.integer("size", 0...Int64.max, at: path)
    self.free = try object.integer("free", 0...Int64.max, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(3)
    object.appendNew("name", .string(name))
    object.appendNew("size", .int(size))
    object.appendNew("free", .int(free))
    return .object(object)
  }
}
