// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Who takes snapshots of a running guest's disk.
public enum VolumeQemuSnapshotMethod: StorageMethod {
  public static let name = "volume_qemu_snapshot_method"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "snapshots",
    summary: "Who takes snapshots of a running guest's disk.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(2000),
    capability: "snapshot",
    pveMethod: "volume_qemu_snapshot_method",
    hostDefault: HostDefault(.rule, "`qemu` for format qcow2, else `storage`."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
    ])

  /// Arguments of `volume_qemu_snapshot_method`.
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

  /// What `volume_qemu_snapshot_method` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Who.
    public var method: QemuSnapshotMethod

    public init(method: QemuSnapshotMethod) {
      self.method = method
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.method = try object.required("method", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("method", method.json())
      return .object(object)
    }
  }
}
