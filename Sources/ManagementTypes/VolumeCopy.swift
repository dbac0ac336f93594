// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A copy to another storage.
public struct VolumeCopy: JSONCodable, Sendable, Hashable {
  /// The storage to copy to.
  public var storeid: String
  /// The guest that will own the copy; the same when absent.
  public var vmid: Int?
  /// The copy's name; chosen when absent.
  public var name: String?
  /// The stream format; the first both sides know when absent.
  public var format: String?
  /// The snapshot to copy in place of the volume as it is now.
  public var snapshot: String?
  /// A snapshot that source and target have: only what came after it is copied, to the volume that `name` says.
  public var base: String?
  /// Whether the snapshots up to `snapshot` go along.
  public var withSnapshots: Bool
  /// Most bytes per second; the smallest of this and the two storages' limits holds.
  public var bandwidth: Int64?

  public init(
    storeid: String, vmid: Int? = nil, name: String? = nil, format: String? = nil, snapshot: String? = nil,
    base: String? = nil, withSnapshots: Bool = false, bandwidth: Int64? = nil
  ) {
    self.storeid = storeid
    self.vmid = vmid
    self.name = name
    self.format = format
    self.snapshot = snapshot
    self.base = base
    self.withSnapshots = withSnapshots
    self.bandwidth = bandwidth
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(
      except: ["storeid", "vmid", "name", "format", "snapshot", "base", "withSnapshots", "bandwidth"], at: path)
    storeid = try members.required("storeid", at: path)
    vmid = try members.optional("vmid", at: path)
    name = try members.optional("name", at: path)
    format = try members.optional("format", at: path)
    snapshot = try members.optional("snapshot", at: path)
    base = try members.optional("base", at: path)
    withSnapshots = try members.optional("withSnapshots", at: path) ?? false
    bandwidth = try members.optional("bandwidth", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("storeid", storeid)
    members.setOptional("vmid", vmid)
    members.setOptional("name", name)
    members.setOptional("format", format)
    members.setOptional("snapshot", snapshot)
    members.setOptional("base", base)
    if withSnapshots { members.set("withSnapshots", true) }
    members.setOptional("bandwidth", bandwidth)
    return .object(members)
  }
}
