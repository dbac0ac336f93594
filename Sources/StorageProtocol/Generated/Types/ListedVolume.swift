// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// One volume of a listing.
public struct ListedVolume: JSONCodable, Sendable, Hashable {
  /// Name inside the storage.
  public var volname: String
  /// Layout of its bytes; `invalid` is allowed for a volume that cannot be read.
  public var format: String
  /// Virtual size in bytes; 0 for a directory tree without quota.
  public var size: ByteCount
  /// Bytes it takes in the storage, when known.
  public var used: ByteCount?
  /// Owner, when the name says one.
  public var vmid: Int?
  /// The base it is a linked clone of.
  public var parent: String?
  /// When it was made, when known.
  public var ctime: Int64?
  /// What it is for; absent in `list_images` means `images`.
  public var content: String?
  /// Free text of the user.
  public var notes: String?
  /// Whether it must not be removed.
  public var protected: Bool?
  /// Fingerprint of the key, or `1`.
  public var encrypted: String?
  /// Result of the last check of a backup.
  public var verification: Verification?
  /// Kind of backup: `qemu`, `lxc`, ….
  public var subtype: String?

  public init(
    volname: String, format: String, size: ByteCount, used: ByteCount? = nil, vmid: Int? = nil, parent: String? = nil,
    ctime: Int64? = nil, content: String? = nil, notes: String? = nil, protected: Bool? = nil, encrypted: String? = nil,
    verification: Verification? = nil, subtype: String? = nil
  ) {
    self.volname = volname
    self.format = format
    self.size = size
    self.used = used
    self.vmid = vmid
    self.parent = parent
    self.ctime = ctime
    self.content = content
    self.notes = notes
    self.protected = protected
    self.encrypted = encrypted
    self.verification = verification
    self.subtype = subtype
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.volname = try object.text("volname", .volumeName, at: path)
    self.format = try object.text("format", .volumeFormatName, at: path)
    self.size = try object.integer("size", 0...Int64.max, at: path)
    self.used = try object.optionalInteger("used", 0...Int64.max, at: path)
    self.vmid = try object.optionalInteger("vmid", 1...999_999_999, at: path)
    self.parent = try object.optionalText("parent", .volumeName, at: path)
    self.ctime = try object.optionalInteger("ctime", 0...Int64.max, at: path)
    self.content = try object.optionalText("content", .contentTypeName, at: path)
    self.notes = try object.optionalText("notes", .length(0...65536), at: path)
    self.protected = try object.optional("protected", at: path)
    self.encrypted = try object.optionalText("encrypted", .length(0...128), at: path)
    self.verification = try object.optional("verification", at: path)
    self.subtype = try object.optionalText("subtype", .length(0...32), at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(13)
    object.appendNew("volname", .string(volname))
    object.appendNew("format", .string(format))
    object.appendNew("size", .int(size))
    if let used { object.appendNew("used", .int(used)) }
    if let vmid { object.appendNew("vmid", .int(Int64(vmid))) }
    if let parent { object.appendNew("parent", .string(parent)) }
    if let ctime { object.appendNew("ctime", .int(ctime)) }
    if let content { object.appendNew("content", .string(content)) }
    if let notes { object.appendNew("notes", .string(notes)) }
    if let protected { object.appendNew("protected", .bool(protected)) }
    if let encrypted { object.appendNew("encrypted", .string(encrypted)) }
    if let verification { object.appendNew("verification", verification.json()) }
    if let subtype { object.appendNew("subtype", .string(subtype)) }
    return .object(object)
  }
}
