// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Reads the notes of a volume.
///
/// Kept for the list's completeness; never sent to a plugin.
public enum GetVolumeNotes: StorageMethod {
  public static let name = "get_volume_notes"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Reads the notes of a volume.",
    replacedBy: "get_volume_attribute",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "attributes",
    onWire: false,
    pveMethod: "get_volume_notes",
    hostDefault: HostDefault(.method, "`get_volume_attribute` with attribute `notes`."),
    errors: [
      .configInvalid, .storageUnavailable, .storageNotActive, .authFailed, .permissionDenied, .backendError,
      .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
    ])

  /// Arguments of `get_volume_notes`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String

    public init(storeid: String, scfg: JSONObject, volname: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      return .object(object)
    }
  }

  /// What `get_volume_notes` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The text.
    public var notes: String

    public init(notes: String) {
      self.notes = notes
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.notes = try object.text("notes", .length(0...65536), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("notes", .string(notes))
      return .object(object)
    }
  }
}
