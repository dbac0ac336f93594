// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Whether a volume can go back to a snapshot.
///
/// An answer means yes. No is ROLLBACK_BLOCKED with `data.blockers`.
public enum VolumeRollbackIsPossible: StorageMethod {
  public static let name = "volume_rollback_is_possible"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "snapshots",
    summary: "Whether a volume can go back to a snapshot.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(30_000),
    capability: "snapshot",
    pveMethod: "volume_rollback_is_possible",
    hostDefault: HostDefault(.constant, "possible"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .snapshotNotFound, .rollbackBlocked,
    ])

  /// Arguments of `volume_rollback_is_possible`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// The snapshot.
    public var snapname: String

    public init(storeid: String, scfg: JSONObject, volname: String, snapname: String) {
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
      self.snapname = try object.text("snapname", .snapshotName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("snapname", .string(snapname))
      return .object(object)
    }
  }

  /// What `volume_rollback_is_possible` answers.
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
