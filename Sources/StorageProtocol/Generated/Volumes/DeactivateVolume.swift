// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Ends the use of a volume on this node.
public enum DeactivateVolume: StorageMethod {
  public static let name = "deactivate_volume"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Ends the use of a volume on this node.",
    mutating: false,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(30_000),
    nodeLocal: true,
    capability: "volumes",
    pveMethod: "deactivate_volume",
    hostDefault: HostDefault(.noop, "Nothing."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .volumeBusy,
    ])

  /// Arguments of `deactivate_volume`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// A snapshot of it; the live state when absent.
    public var snapname: String?

    public init(storeid: String, scfg: JSONObject, volname: String, snapname: String? = nil) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.snapname = snapname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      return .object(object)
    }
  }

  /// What `deactivate_volume` answers.
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
