// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Path of a volume in the file system.
public enum FilesystemPath: StorageMethod {
  public static let name = "filesystem_path"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "Path of a volume in the file system.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(2000),
    capability: "general",
    pveMethod: "filesystem_path",
    hostDefault: HostDefault(
      .rule,
      """
      `get_subdir` and the parsed name, when the storage has a `path` and names its disks as directories do; else \
      NOT_SUPPORTED.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .configInvalid, .storageUnavailable, .storageNotActive, .authFailed, .permissionDenied, .backendError,
      .hostDenied, .snapshotNotFound,
    ])

  /// Arguments of `filesystem_path`.
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

  /// What `filesystem_path` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Where QEMU or a container finds it.
    public var path: String
    /// Owner.
    public var vmid: Int?
    /// What it is.
    public var vtype: String

    public init(path: String, vtype: String, vmid: Int? = nil) {
      self.path = path
      self.vmid = vmid
      self.vtype = vtype
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.path = try object.text("path", .absolutePath, at: path)
      self.vmid = try object.optionalInteger("vmid", 1...999_999_999, at: path)
      self.vtype = try object.text("vtype", .volumeTypeName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("path", .string(path))
      if let vmid { object.appendNew("vmid", .int(Int64(vmid))) }
      object.appendNew("vtype", .string(vtype))
      return .object(object)
    }
  }
}
