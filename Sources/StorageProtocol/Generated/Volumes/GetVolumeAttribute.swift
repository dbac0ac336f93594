// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Reads a property of a volume beside its data.
public enum GetVolumeAttribute: StorageMethod {
  public static let name = "get_volume_attribute"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Reads a property of a volume beside its data.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "attributes",
    pveMethod: "get_volume_attribute",
    hostDefault: HostDefault(
      .rule,
      """
      With grammar `directory` and a `path`: notes and protection of backups in files beside them; else NOT_SUPPORTED.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
    ])

  /// Arguments of `get_volume_attribute`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// Which.
    public var attribute: VolumeAttribute

    public init(storeid: String, scfg: JSONObject, volname: String, attribute: VolumeAttribute) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.attribute = attribute
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.attribute = try object.required("attribute", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("attribute", attribute.json())
      return .object(object)
    }
  }

  /// What `get_volume_attribute` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Text for `notes`, boolean for `protected`, null when it was never set.
    public var value: JSON

    public init(value: JSON) {
      self.value = value
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.value = try object.required("value", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("value", value)
      return .object(object)
    }
  }
}
