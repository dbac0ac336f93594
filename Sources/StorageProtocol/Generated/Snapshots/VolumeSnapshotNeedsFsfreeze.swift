// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Whether the guest's file systems must be frozen for a snapshot.
public enum VolumeSnapshotNeedsFsfreeze: StorageMethod {
  public static let name = "volume_snapshot_needs_fsfreeze"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "snapshots",
    summary: "Whether the guest's file systems must be frozen for a snapshot.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(2000),
    capability: "snapshot",
    pveMethod: "volume_snapshot_needs_fsfreeze",
    hostDefault: HostDefault(.constant, "false"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied,
    ])

  /// Arguments of `volume_snapshot_needs_fsfreeze`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject

    public init(storeid: String, scfg: JSONObject) {
      self.storeid = storeid
      self.scfg = scfg
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      return .object(object)
    }
  }

  /// What `volume_snapshot_needs_fsfreeze` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Whether they must.
    public var needed: Bool

    public init(needed: Bool) {
      self.needed = needed
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.needed = try object.required("needed", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("needed", .bool(needed))
      return .object(object)
    }
  }
}
