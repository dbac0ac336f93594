// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a volume name says.
public struct VolumeNameParts: JSONCodable, Sendable, Hashable {
  /// What it denotes.
  public var vtype: String
  /// The volume's own name, without owner and base.
  public var name: String
  /// Owner.
  public var vmid: Int?
  /// Name of the base of a linked clone.
  public var basename: String?
  /// Owner of the base.
  public var basevmid: Int?
  /// Whether it is itself a base (a template).
  public var isBase: Bool
  /// Layout of its bytes, when the name says it.
  public var format: String?

  public init(
    vtype: String, name: String, isBase: Bool, vmid: Int? = nil, basename: String? = nil, basevmid: Int? = nil,
    format: String? = nil
  ) {
    self.vtype = vtype
    self.name = name
    self.vmid = vmid
    self.basename = basename
    self.basevmid = basevmid
    self.isBase = isBase
    self.format = format
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.vtype = try object.text("vtype", .volumeTypeName, at: path)
    self.name = try object.text("name", .volumeName, at: path)
    self.vmid = try object.optionalInteger("vmid", 1...999_999_999, at: path)
    self.basename = try object.optionalText("basename", .volumeName, at: path)
    self.basevmid = try object.optionalInteger("basevmid", 1...999_999_999, at: path)
    self.isBase = try object.required("isBase", at: path)
    self.format = try object.optionalText("format", .volumeFormatName, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(7)
    object.appendNew("vtype", .string(vtype))
    object.appendNew("name", .string(name))
    if let vmid { object.appendNew("vmid", .int(Int64(vmid))) }
    if let basename { object.appendNew("basename", .string(basename)) }
    if let basevmid { object.appendNew("basevmid", .int(Int64(basevmid))) }
    object.appendNew("isBase", .bool(isBase))
    if let format { object.appendNew("format", .string(format)) }
    return .object(object)
  }
}
