// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Renames a snapshot.
public enum RenameSnapshot: StorageMethod {
  public static let name = "rename_snapshot"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "snapshots",
    summary: "Renames a snapshot.",
    mutating: true,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(60_000),
    capability: "snapshot",
    pveMethod: "rename_snapshot",
    hostDefault: HostDefault(.none, "NOT_SUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .staleFence, .lockRequired, .lockLost, .idempotencyConflict, .inProgress, .readOnly, .noSpace, .quotaExceeded,
      .snapshotNotFound, .snapshotExists,
    ])

  /// Arguments of `rename_snapshot`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// The snapshot.
    public var snapname: String
    /// The new name.
    public var targetSnapname: String

    public init(storeid: String, scfg: JSONObject, volname: String, snapname: String, targetSnapname: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.snapname = snapname
      self.targetSnapname = targetSnapname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.snapname = try object.text("snapname", .snapshotName, at: path)
      self.targetSnapname = try object.text("targetSnapname", .snapshotName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("snapname", .string(snapname))
      object.appendNew("targetSnapname", .string(targetSnapname))
      return .object(object)
    }
  }

  /// What `rename_snapshot` answers.
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
