// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A new owner or name.
public struct VolumeRename: JSONCodable, Sendable, Hashable {
  /// The guest that will own it.
  public var vmid: Int?
  /// The new name; chosen by the host when absent.
  public var name: String?

  public init(vmid: Int? = nil, name: String? = nil) {
    self.vmid = vmid
    self.name = name
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["vmid", "name"], at: path)
    vmid = try members.optional("vmid", at: path)
    name = try members.optional("name", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.setOptional("vmid", vmid)
    members.setOptional("name", name)
    return .object(members)
  }
}
