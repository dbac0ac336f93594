// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How QEMU opens a volume.
public enum QemuBlockdevOptions: StorageMethod {
  public static let name = "qemu_blockdev_options"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "How QEMU opens a volume.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "volumes",
    pveMethod: "qemu_blockdev_options",
    hostDefault: HostDefault(
      .rule,
      """
      From `path`: driver `file`, or `host_device` for a path under /dev; other addresses are NOT_SUPPORTED.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .snapshotNotFound,
    ])

  /// Arguments of `qemu_blockdev_options`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// A snapshot of it; the live state when absent.
    public var snapname: String?
    /// QEMU machine version, `M.m+pveN`.
    public var machineVersion: String?
    /// What the caller knows.
    public var hints: VolumeHints?

    public init(
      storeid: String, scfg: JSONObject, volname: String, snapname: String? = nil, machineVersion: String? = nil,
      hints: VolumeHints? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.snapname = snapname
      self.machineVersion = machineVersion
      self.hints = hints
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
      self.machineVersion = try object.optionalText("machineVersion", .length(0...32), at: path)
      self.hints = try object.optional("hints", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      if let machineVersion { object.appendNew("machineVersion", .string(machineVersion)) }
      if let hints { object.appendNew("hints", hints.json()) }
      return .object(object)
    }
  }

  /// What `qemu_blockdev_options` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// A QEMU blockdev object; drivers `file`, `host_device`, `iscsi`, `nbd`, `rbd`.
    public var blockdev: JSONObject

    public init(blockdev: JSONObject) {
      self.blockdev = blockdev
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.blockdev = try object.required("blockdev", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("blockdev", .object(blockdev))
      return .object(object)
    }
  }
}
