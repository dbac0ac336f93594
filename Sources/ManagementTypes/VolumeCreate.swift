// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A volume to make.
public struct VolumeCreate: JSONCodable, Sendable, Hashable {
  /// The guest that will own it.
  public var vmid: Int
  /// Its size in bytes.
  public var size: Int64
  /// Its format; the storage's default when absent.
  public var format: String?
  /// Its name; the host chooses the next free one when absent.
  public var name: String?

  public init(vmid: Int, size: Int64, format: String? = nil, name: String? = nil) {
    self.vmid = vmid
    self.size = size
    self.format = format
    self.name = name
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["vmid", "size", "format", "name"], at: path)
    vmid = try members.required("vmid", at: path)
    size = try members.required("size", at: path)
    format = try members.optional("format", at: path)
    name = try members.optional("name", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("vmid", vmid)
    members.set("size", size)
    members.setOptional("format", format)
    members.setOptional("name", name)
    return .object(members)
  }
}
