// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Where a volume is.
public struct PathView: JSONCodable, Sendable, Hashable {
  /// The path or URI a guest opens.
  public var path: String
  /// The guest that owns it.
  public var vmid: Int?
  /// What sort of volume it is.
  public var vtype: String?

  public init(path: String, vmid: Int? = nil, vtype: String? = nil) {
    self.path = path
    self.vmid = vmid
    self.vtype = vtype
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    self.path = try members.required("path", at: path)
    vmid = try members.optional("vmid", at: path)
    vtype = try members.optional("vtype", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("path", path)
    members.setOptional("vmid", vmid)
    members.setOptional("vtype", vtype)
    return .object(members)
  }
}
