// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A volume looked at by itself.
public struct VolumeDetail: JSONCodable, Sendable, Hashable {
  /// Its id.
  public var volid: String
  /// Its name on the storage.
  public var volname: String
  /// What it holds.
  public var content: String?
  /// The guest that owns it.
  public var vmid: Int?
  /// Its size in bytes, as a guest sees it.
  public var size: Int64
  /// Its format.
  public var format: String?
  /// What it takes on the storage, in bytes.
  public var used: Int64?
  /// The image it is backed by.
  public var parent: String?
  /// When it was made, in seconds since the epoch.
  public var ctime: Int64?
  /// Whether it is a base image, of which linked clones are made.
  public var base: Bool
  /// Where a guest opens it.
  public var path: String?
  /// Its notes, where the storage keeps notes.
  public var notes: String?
  /// Whether it is protected from removal, where the storage knows that.
  public var protected: Bool?

  public init(
    volid: String, volname: String, content: String? = nil, vmid: Int? = nil, size: Int64, format: String? = nil,
    used: Int64? = nil, parent: String? = nil, ctime: Int64? = nil, base: Bool, path: String? = nil,
    notes: String? = nil, protected: Bool? = nil
  ) {
    self.volid = volid
    self.volname = volname
    self.content = content
    self.vmid = vmid
    self.size = size
    self.format = format
    self.used = used
    self.parent = parent
    self.ctime = ctime
    self.base = base
    self.path = path
    self.notes = notes
    self.protected = protected
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    volid = try members.required("volid", at: path)
    volname = try members.required("volname", at: path)
    content = try members.optional("content", at: path)
    vmid = try members.optional("vmid", at: path)
    size = try members.required("size", at: path)
    format = try members.optional("format", at: path)
    used = try members.optional("used", at: path)
    parent = try members.optional("parent", at: path)
    ctime = try members.optional("ctime", at: path)
    base = try members.required("base", at: path)
    self.path = try members.optional("path", at: path)
    notes = try members.optional("notes", at: path)
    protected = try members.optional("protected", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("volid", volid)
    members.set("volname", volname)
    members.setOptional("content", content)
    members.setOptional("vmid", vmid)
    members.set("size", size)
    members.setOptional("format", format)
    members.setOptional("used", used)
    members.setOptional("parent", parent)
    members.setOptional("ctime", ctime)
    members.set("base", base)
    members.setOptional("path", path)
    members.setOptional("notes", notes)
    members.setOptional("protected", protected)
    return .object(members)
  }
}
