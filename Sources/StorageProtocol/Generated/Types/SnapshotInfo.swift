// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// One snapshot of a volume.
public struct SnapshotInfo: JSONCodable, Sendable, Hashable {
  /// Its name; `current` is the live state.
  public var name: String
  /// The backend's id, when it has one (a GUID; changes when the snapshot is made anew).
  public var id: String?
  /// When it was taken.
  public var timestamp: Int64?
  /// The snapshot before it.
  public var parent: String?
  /// The snapshot after it.
  public var child: String?
  /// Place in the chain, oldest 0.
  public var order: Int?
  /// Volume that holds it, where snapshots are volumes of their own.
  public var volname: String?
  /// File or device that holds it.
  public var file: String?
  /// Virtual size at that time in bytes.
  public var virtualSize: ByteCount?
  /// Bytes only it takes, when known.
  public var used: ByteCount?

  public init(
    name: String, id: String? = nil, timestamp: Int64? = nil, parent: String? = nil, child: String? = nil,
    order: Int? = nil, volname: String? = nil, file: String? = nil, virtualSize: ByteCount? = nil,
    used: ByteCount? = nil
  ) {
    self.name = name
    self.id = id
    self.timestamp = timestamp
    self.parent = parent
    self.child = child
    self.order = order
    self.volname = volname
    self.file = file
    self.virtualSize = virtualSize
    self.used = used
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.name = try object.text("name", .snapshotName, at: path)
    self.id = try object.optionalText("id", .length(0...256), at: path)
    self.timestamp = try object.optionalInteger("timestamp", 0...Int64.max, at: path)
    self.parent = try object.optionalText("parent", .snapshotName, at: path)
    self.child = try object.optionalText("child", .snapshotName, at: path)
    self.order = try object.optionalInteger("order", 0...2_147_483_647, at: path)
    self.volname = try object.optionalText("volname", .volumeName, at: path)
    self.file = try object.optionalText("file", .absolutePath, at: path)
    self.virtualSize = try object.optionalInteger("virtualSize", 0...Int64.max, at: path)
    self.used = try object.optionalInteger("used", 0...Int64.max, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(10)
    object.appendNew("name", .string(name))
    if let id { object.appendNew("id", .string(id)) }
    if let timestamp { object.appendNew("timestamp", .int(timestamp)) }
    if let parent { object.appendNew("parent", .string(parent)) }
    if let child { object.appendNew("child", .string(child)) }
    if let order { object.appendNew("order", .int(Int64(order))) }
    if let volname { object.appendNew("volname", .string(volname)) }
    if let file { object.appendNew("file", .string(file)) }
    if let virtualSize { object.appendNew("virtualSize", .int(virtualSize)) }
    if let used { object.appendNew("used", .int(used)) }
    return .object(object)
  }
}
