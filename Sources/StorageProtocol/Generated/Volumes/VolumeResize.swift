// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Grows a volume.
///
/// A volume that has the size already is success. Shrinking is NOT_SUPPORTED.
public enum VolumeResize: StorageMethod {
  public static let name = "volume_resize"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Grows a volume.",
    mutating: true,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(60_000),
    capability: "resize",
    pveMethod: "volume_resize",
    hostDefault: HostDefault(.none, "NOT_SUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .staleFence, .lockRequired, .lockLost, .idempotencyConflict, .inProgress, .readOnly, .noSpace, .quotaExceeded,
      .volumeBusy,
    ])

  /// Arguments of `volume_resize`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// The new size in bytes.
    public var size: ByteCount
    /// Whether a guest uses it now.
    public var running: Bool
    /// A snapshot of it; the live state when absent.
    public var snapname: String?

    public init(
      storeid: String, scfg: JSONObject, volname: String, size: ByteCount, running: Bool, snapname: String? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.size = size
      self.running = running
      self.snapname = snapname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.size = try object.integer("size", 0...Int64.max, at: path)
      self.running = try object.required("running", at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("size", .int(size))
      object.appendNew("running", .bool(running))
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      return .object(object)
    }
  }

  /// What `volume_resize` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The size it has now, when rounded up.
    public var size: ByteCount?

    public init(size: ByteCount? = nil) {
      self.size = size
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.size = try object.optionalInteger("size", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      if let size { object.appendNew("size", .int(size)) }
      return .object(object)
    }
  }
}
