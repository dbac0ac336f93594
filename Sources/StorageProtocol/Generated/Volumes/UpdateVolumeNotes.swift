// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Sets the notes of a volume.
///
/// Kept for the list's completeness; never sent to a plugin.
public enum UpdateVolumeNotes: StorageMethod {
  public static let name = "update_volume_notes"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Sets the notes of a volume.",
    replacedBy: "update_volume_attribute",
    mutating: true,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(10_000),
    capability: "attributes",
    onWire: false,
    pveMethod: "update_volume_notes",
    hostDefault: HostDefault(.method, "`update_volume_attribute` with attribute `notes`."),
    errors: [
      .configInvalid, .storageUnavailable, .storageNotActive, .authFailed, .permissionDenied, .backendError,
      .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt, .staleFence, .lockRequired, .lockLost,
      .idempotencyConflict, .inProgress, .readOnly,
    ])

  /// Arguments of `update_volume_notes`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// The text.
    public var notes: String

    public init(storeid: String, scfg: JSONObject, volname: String, notes: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.notes = notes
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.notes = try object.text("notes", .length(0...65536), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("notes", .string(notes))
      return .object(object)
    }
  }

  /// What `update_volume_notes` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    public init() {}

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      _ = try json.object(at: path)
    }

    public func json() -> JSON {
      .object(JSONObject())
    }
  }
}
