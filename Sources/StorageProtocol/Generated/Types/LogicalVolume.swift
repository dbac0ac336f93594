// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A logical volume of a granted volume group.
public struct LogicalVolume: JSONCodable, Sendable, Hashable {
  /// LV name.
  public var name: String
  /// Size.
  public var size: ByteCount
  /// Thin pool.
  public var pool: String?
  /// Origin of a snapshot.
  public var origin: String?
  /// Used share of a thin volume or pool, decimal text.
  public var dataPercent: String?
  /// LVM tags.
  public var tags: [String]?
  /// When it was made.
  public var ctime: Int64?
  /// Whether its device node exists.
  public var active: Bool?
  /// Whether it is a thin pool.
  public var isThinPool: Bool?

  public init(
    name: String, size: ByteCount, pool: String? = nil, origin: String? = nil, dataPercent: String? = nil,
    tags: [String]? = nil, ctime: Int64? = nil, active: Bool? = nil, isThinPool: Bool? = nil
  ) {
    self.name = name
    self.size = size
    self.pool = pool
    self.origin = origin
    self.dataPercent = dataPercent
    self.tags = tags
    self.ctime = ctime
    self.active = active
    self.isThinPool = isThinPool
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.name = try object.text("name", .length(1...128), at: path)
    self.size = try object.integer("size", 0...Int64.max, at: path)
    self.pool = try object.optionalText("pool", .length(0...128), at: path)
    self.origin = try object.optionalText("origin", .length(0...128), at: path)
    self.dataPercent = try object.optionalText("dataPercent", .length(0...16), at: path)
    self.tags = try object.optionalTexts("tags", .length(0...128), upTo: 256, at: path)
    self.ctime = try object.optionalInteger("ctime", 0...Int64.max, at: path)
    self.active = try object.optional("active", at: path)
    self.isThinPool = try object.optional("isThinPool", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(9)
    object.appendNew("name", .string(name))
    object.appendNew("size", .int(size))
    if let pool { object.appendNew("pool", .string(pool)) }
    if let origin { object.appendNew("origin", .string(origin)) }
    if let dataPercent { object.appendNew("dataPercent", .string(dataPercent)) }
    if let tags { object.appendNew("tags", tags.json()) }
    if let ctime { object.appendNew("ctime", .int(ctime)) }
    if let active { object.appendNew("active", .bool(active)) }
    if let isThinPool { object.appendNew("isThinPool", .bool(isThinPool)) }
    return .object(object)
  }
}
