// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A volume in a listing.
public struct VolumeView: JSONCodable, Sendable, Hashable {
  /// Its id: `storeid:volname`.
  public var volid: String
  /// Its name on the storage.
  public var volname: String
  /// What it holds: `images`, `rootdir`, `iso`, `vztmpl`, `backup`, `snippets` or `import`.
  public var content: String?
  /// `raw`, `qcow2`, `subvol`, …
  public var format: String?
  /// Its size in bytes, as a guest sees it.
  public var size: Int64?
  /// What it takes on the storage, in bytes.
  public var used: Int64?
  /// The guest that owns it.
  public var vmid: Int?
  /// The base it is a linked clone of.
  public var parent: String?
  /// When it was made, in seconds since the epoch.
  public var ctime: Int64?
  /// Its notes.
  public var notes: String?
  /// Whether it is protected from removal.
  public var protected: Bool?

  public init(
    volid: String, volname: String, content: String? = nil, format: String? = nil, size: Int64? = nil,
    used: Int64? = nil, vmid: Int? = nil, parent: String? = nil, ctime: Int64? = nil, notes: String? = nil,
    protected: Bool? = nil
  ) {
    self.volid = volid
    self.volname = volname
    self.content = content
    self.format = format
    self.size = size
    self.used = used
    self.vmid = vmid
    self.parent = parent
    self.ctime = ctime
    self.notes = notes
    self.protected = protected
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    volid = try members.required("volid", at: path)
    volname = try members.required("volname", at: path)
    content = try members.optional("content", at: path)
    format = try members.optional("format", at: path)
    size = try members.optional("size", at: path)
    used = try members.optional("used", at: path)
    vmid = try members.optional("vmid", at: path)
    parent = try members.optional("parent", at: path)
    ctime = try members.optional("ctime", at: path)
    notes = try members.optional("notes", at: path)
    protected = try members.optional("protected", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("volid", volid)
    members.set("volname", volname)
    members.setOptional("content", content)
    members.setOptional("format", format)
    members.setOptional("size", size)
    members.setOptional("used", used)
    members.setOptional("vmid", vmid)
    members.setOptional("parent", parent)
    members.setOptional("ctime", ctime)
    members.setOptional("notes", notes)
    members.setOptional("protected", protected)
    return .object(members)
  }
}
