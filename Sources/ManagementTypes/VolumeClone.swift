// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A linked clone to make of a base image.
public struct VolumeClone: JSONCodable, Sendable, Hashable {
  /// The guest that will own it.
  public var vmid: Int
  /// The snapshot to clone.
  public var snapshot: String?

  public init(vmid: Int, snapshot: String? = nil) {
    self.vmid = vmid
    self.snapshot = snapshot
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["vmid", "snapshot"], at: path)
    vmid = try members.required("vmid", at: path)
    snapshot = try members.optional("snapshot", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("vmid", vmid)
    members.setOptional("snapshot", snapshot)
    return .object(members)
  }
}
