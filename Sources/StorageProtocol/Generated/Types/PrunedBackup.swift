// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// One backup and what became of it.
public struct PrunedBackup: JSONCodable, Sendable, Hashable {
  /// The backup.
  public var volname: String
  /// Its time.
  public var ctime: Int64
  /// `qemu`, `lxc`, … or `unknown`.
  public var type: String
  /// Its guest.
  public var vmid: Int?
  /// The decision.
  public var mark: BackupMark

  public init(volname: String, ctime: Int64, type: String, mark: BackupMark, vmid: Int? = nil) {
    self.volname = volname
    self.ctime = ctime
    self.type = type
    self.vmid = vmid
    self.mark = mark
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.volname = try object.text("volname", .volumeName, at: path)
    self.ctime = try object.integer("ctime", 0...Int64.max, at: path)
    self.type = try object.text("type", .length(0...32), at: path)
    self.vmid = try object.optionalInteger("vmid", 1...999_999_999, at: path)
    self.mark = try object.required("mark", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(5)
    object.appendNew("volname", .string(volname))
    object.appendNew("ctime", .int(ctime))
    object.appendNew("type", .string(type))
    if let vmid { object.appendNew("vmid", .int(Int64(vmid))) }
    object.appendNew("mark", mark.json())
    return .object(object)
  }
}
