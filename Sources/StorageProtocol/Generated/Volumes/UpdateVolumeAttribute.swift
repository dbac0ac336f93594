// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Sets a property of a volume beside its data.
public enum UpdateVolumeAttribute: StorageMethod {
  public static let name = "update_volume_attribute"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Sets a property of a volume beside its data.",
    mutating: true,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(10_000),
    capability: "attributes",
    pveMethod: "update_volume_attribute",
    hostDefault: HostDefault(
      .rule,
      """
      With grammar `directory` and a `path`: notes and protection of backups in files beside them; else NOT_SUPPORTED.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .staleFence, .lockRequired, .lockLost, .idempotencyConflict, .inProgress, .readOnly, .noSpace, .quotaExceeded,
    ])

  /// Arguments of `update_volume_attribute`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// Which.
    public var attribute: VolumeAttribute
    /// The new value; null removes it.
    public var value: JSON

    public init(storeid: String, scfg: JSONObject, volname: String, attribute: VolumeAttribute, value: JSON) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.attribute = attribute
      self.value = value
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.attribute = try object.required("attribute", at: path)
      self.value = try object.required("value", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("attribute", attribute.json())
      object.appendNew("value", value)
      return .object(object)
    }
  }

  /// What `update_volume_attribute` answers.
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
