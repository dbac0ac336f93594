// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A new size.
public struct VolumeResize: JSONCodable, Sendable, Hashable {
  /// The size in bytes.
  public var size: Int64
  /// The snapshot to resize in place of the volume, where a storage can.
  public var snapshot: String?
  /// Whether a guest has the volume open.
  public var running: Bool

  public init(size: Int64, snapshot: String? = nil, running: Bool = false) {
    self.size = size
    self.snapshot = snapshot
    self.running = running
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["size", "snapshot", "running"], at: path)
    size = try members.required("size", at: path)
    snapshot = try members.optional("snapshot", at: path)
    running = try members.optional("running", at: path, default: false)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("size", size)
    members.setOptional("snapshot", snapshot)
    members.set("running", running)
    return .object(members)
  }
}
