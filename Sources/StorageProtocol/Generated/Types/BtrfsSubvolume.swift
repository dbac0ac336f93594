// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A btrfs subvolume beneath a granted directory.
public struct BtrfsSubvolume: JSONCodable, Sendable, Hashable {
  /// Where it is.
  public var path: String
  /// Subvolume id.
  public var id: Int64
  /// UUID.
  public var uuid: String?
  /// UUID of what it is a snapshot of.
  public var parentUuid: String?
  /// Whether it is read-only.
  public var readOnly: Bool?
  /// Generation.
  public var generation: Int64?

  public init(
    path: String, id: Int64, uuid: String? = nil, parentUuid: String? = nil, readOnly: Bool? = nil,
    generation: Int64? = nil
  ) {
    self.path = path
    self.id = id
    self.uuid = uuid
    self.parentUuid = parentUuid
    self.readOnly = readOnly
    self.generation = generation
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.path = try object.text("path", .absolutePath, at: path)
    self.id = try object.integer("id", 0...Int64.max, at: path)
    self.uuid = try object.optionalText("uuid", .length(0...64), at: path)
    self.parentUuid = try object.optionalText("parentUuid", .length(0...64), at: path)
    self.readOnly = try object.optional("readOnly", at: path)
    self.generation = try object.optionalInteger("generation", 0...Int64.max, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(6)
    object.appendNew("path", .string(path))
    object.appendNew("id", .int(id))
    if let uuid { object.appendNew("uuid", .string(uuid)) }
    if let parentUuid { object.appendNew("parentUuid", .string(parentUuid)) }
    if let readOnly { object.appendNew("readOnly", .bool(readOnly)) }
    if let generation { object.appendNew("generation", .int(generation)) }
    return .object(object)
  }
}
