// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The snapshots of a volume.
public enum VolumeSnapshotInfo: StorageMethod {
  public static let name = "volume_snapshot_info"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "snapshots",
    summary: "The snapshots of a volume.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(30_000),
    capability: "snapshot",
    pveMethod: "volume_snapshot_info",
    hostDefault: HostDefault(.none, "NOT_SUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
    ])

  /// Arguments of `volume_snapshot_info`.
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

  /// What `volume_snapshot_info` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Oldest first; `current`, when given, last.
    public var snapshots: [SnapshotInfo]

    public init(snapshots: [SnapshotInfo]) {
      self.snapshots = snapshots
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.snapshots = try object.list("snapshots", upTo: 100_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("snapshots", snapshots.json())
      return .object(object)
    }
  }
}
