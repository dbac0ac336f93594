// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// One disk of a guest to be imported.
public struct ImportDisk: JSONCodable, Sendable, Hashable {
  /// Volume with its data, such as `import/x.ova/disk-1.vmdk`.
  public var volname: String
  /// Its size.
  public var size: ByteCount?

  public init(volname: String, size: ByteCount? = nil) {
    self.volname = volname
    self.size = size
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.volname = try object.text("volname", .volumeName, at: path)
    self.size = try object.optionalInteger("size", 0...Int64.max, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("volname", .string(volname))
    if let size { object.appendNew("size", .int(size)) }
    return .object(object)
  }
}
