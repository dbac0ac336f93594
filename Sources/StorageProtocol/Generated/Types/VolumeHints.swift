// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What the caller knows about the use of a volume; all optional, all may be ignored.
public struct VolumeHints: JSONCodable, Sendable, Hashable {
  /// The guest runs Windows.
  public var guestIsWindows: Bool?
  /// The volume is not used by a running guest: the plugin may deactivate it when it likes.
  public var pluginMayDeactivateVolume: Bool?
  /// The volume is an EFI variable store.
  public var efiDisk: Bool?

  public init(guestIsWindows: Bool? = nil, pluginMayDeactivateVolume: Bool? = nil, efiDisk: Bool? = nil) {
    self.guestIsWindows = guestIsWindows
    self.pluginMayDeactivateVolume = pluginMayDeactivateVolume
    self.efiDisk = efiDisk
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.guestIsWindows = try object.optional("guestIsWindows", at: path)
    self.pluginMayDeactivateVolume = try object.optional("pluginMayDeactivateVolume", at: path)
    self.efiDisk = try object.optional("efiDisk", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(3)
    if let guestIsWindows { object.appendNew("guestIsWindows", .bool(guestIsWindows)) }
    if let pluginMayDeactivateVolume { object.appendNew("pluginMayDeactivateVolume", .bool(pluginMayDeactivateVolume)) }
    if let efiDisk { object.appendNew("efiDisk", .bool(efiDisk)) }
    return .object(object)
  }
}
