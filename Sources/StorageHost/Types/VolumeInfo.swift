// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What is known of one volume.
public struct VolumeInfo: Sendable, Hashable, JSONEncodable {
  public var volid: String
  public var volname: String
  public var content: String?
  public var vmid: Int?
  /// Bytes the guest sees.
  public var size: Int64
  public var format: String?
  /// Bytes on the storage.
  public var used: Int64?
  public var parent: String?
  /// Seconds since the epoch.
  public var ctime: Int64?
  /// Whether it is a base image for linked clones.
  public var isBase: Bool
  /// Where it is, when it has a path.
  public var path: String?
  public var notes: String?
  public var isProtected: Bool?

  public func json() -> JSON {
    var object = JSONObject()
    object.set("volid", volid)
    object.set("volname", volname)
    object.setOptional("content", content)
    object.setOptional("vmid", vmid)
    object.set("size", size)
    object.setOptional("format", format)
    object.setOptional("used", used)
    object.setOptional("parent", parent)
    object.setOptional("ctime", ctime)
    object.set("base", isBase)
    object.setOptional("path", path)
    object.setOptional("notes", notes)
    object.setOptional("protected", isProtected)
    return .object(object)
  }
}

/// Where a volume is.
public struct VolumePath: Sendable, Hashable, JSONEncodable {
  /// An absolute path, or a QEMU address such as `rbd:…`.
  public var path: String
  public var vmid: Int?
  /// `images`, `iso`, …
  public var vtype: String?

  public func json() -> JSON {
    var object = JSONObject()
    object.set("path", path)
    object.setOptional("vmid", vmid)
    object.setOptional("vtype", vtype)
    return .object(object)
  }
}

/// One snapshot of a volume.
public struct SnapshotEntry: Sendable, Hashable, JSONEncodable {
  public var name: String
  /// What the plugin says of it: `id`, `timestamp` (s), `parent`, `virtualSize`, …
  public var details: JSONObject

  public func json() -> JSON {
    var object: JSONObject = ["name": .string(name)]
    for member in details where !object.has(member.key) { object[member.key] = member.value }
    return .object(object)
  }
}
