// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One volume in a listing.
public struct VolumeEntry: Sendable, Hashable, JSONEncodable {
  public var volid: String
  public var volname: String
  /// The content type: `images`, `rootdir`, `iso`, …
  public var content: String?
  public var format: String?
  /// Bytes the guest sees.
  public var size: Int64?
  /// Bytes on the storage.
  public var used: Int64?
  public var vmid: Int?
  /// The volume id or path of the base it depends on.
  public var parent: String?
  /// Seconds since the epoch.
  public var ctime: Int64?
  public var notes: String?
  public var isProtected: Bool?
  /// Whatever else the plugin says.
  public var more: JSONObject

  public func json() -> JSON {
    var object = JSONObject()
    object.set("volid", volid)
    object.set("volname", volname)
    object.setOptional("content", content)
    object.setOptional("format", format)
    object.setOptional("size", size)
    object.setOptional("used", used)
    object.setOptional("vmid", vmid)
    object.setOptional("parent", parent)
    object.setOptional("ctime", ctime)
    object.setOptional("notes", notes)
    object.setOptional("protected", isProtected)
    for member in more where !object.has(member.key) { object[member.key] = member.value }
    return .object(object)
  }
}

/// A part of a listing.
public struct VolumePage: Sendable, Hashable, JSONEncodable {
  public var volumes: [VolumeEntry]
  /// Ask again with this for the next part; nil at the end.
  public var cursor: String?

  public func json() -> JSON {
    var object = JSONObject()
    object.set("volumes", volumes)
    object.setOptional("cursor", cursor)
    return .object(object)
  }
}
