// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes a linked clone of a base or of a snapshot.
///
/// The clone's name was reserved under the storage lock; the work, however long it copies, runs under the locks of the
/// source and of the clone only. Other volumes change meanwhile.
public enum CloneImage: StorageMethod {
  public static let name = "clone_image"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "images",
    summary: "Makes a linked clone of a base or of a snapshot.",
    mutating: true,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(3_600_000),
    capability: "clone",
    pveMethod: "clone_image",
    hostDefault: HostDefault(.none, "NOT_SUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .staleFence, .lockRequired, .lockLost, .idempotencyConflict, .inProgress, .readOnly, .noSpace, .quotaExceeded,
      .volumeExists, .snapshotNotFound, .formatUnsupported,
    ])

  /// Arguments of `clone_image`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// A snapshot of it; the live state when absent.
    public var snapname: String?
    /// Owner of the clone.
    public var vmid: Int
    /// The clone's name, chosen by the host.
    public var targetVolname: String

    public init(
      storeid: String, scfg: JSONObject, volname: String, vmid: Int, targetVolname: String, snapname: String? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.snapname = snapname
      self.vmid = vmid
      self.targetVolname = targetVolname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
      self.vmid = try object.integer("vmid", 1...999_999_999, at: path)
      self.targetVolname = try object.text("targetVolname", .volumeName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      object.appendNew("vmid", .int(Int64(vmid)))
      object.appendNew("targetVolname", .string(targetVolname))
      return .object(object)
    }
  }

  /// What `clone_image` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The clone; must be the name asked for.
    public var volname: String

    public init(volname: String) {
      self.volname = volname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("volname", .string(volname))
      return .object(object)
    }
  }
}
