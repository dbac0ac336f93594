// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A backup and what a retention rule says of it.
public struct PruneView: JSONCodable, Sendable, Hashable {
  /// Its volume name, without the storage.
  public var volname: String
  /// When it was made, in seconds since the epoch.
  public var ctime: Int64
  /// `qemu`, `lxc` or `unknown`.
  public var type: String
  /// The guest it is of.
  public var vmid: Int?
  /// `keep`, `remove`, `protected` or `renamed`.
  public var mark: String

  public init(volname: String, ctime: Int64, type: String, vmid: Int? = nil, mark: String) {
    self.volname = volname
    self.ctime = ctime
    self.type = type
    self.vmid = vmid
    self.mark = mark
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    volname = try members.required("volname", at: path)
    ctime = try members.required("ctime", at: path)
    type = try members.required("type", at: path)
    vmid = try members.optional("vmid", at: path)
    mark = try members.required("mark", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("volname", volname)
    members.set("ctime", ctime)
    members.set("type", type)
    members.setOptional("vmid", vmid)
    members.set("mark", mark)
    return .object(members)
  }
}
