// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes a new volume.
///
/// The volume exists completely or not at all. The plugin may round the size up, never down.
public enum AllocImage: StorageMethod {
  public static let name = "alloc_image"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "images",
    summary: "Makes a new volume.",
    mutating: true,
    idempotent: true,
    lock: .storage,
    defaultTimeout: .milliseconds(60_000),
    capability: "images",
    required: true,
    pveMethod: "alloc_image",
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly, .noSpace, .quotaExceeded, .nameInvalid, .volumeExists, .formatUnsupported, .notSupported,
    ])

  /// Arguments of `alloc_image`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// Owner.
    public var vmid: Int
    /// Its format.
    public var format: String
    /// Its name, chosen by the host.
    public var volname: String
    /// Its size in bytes; 0 for a directory tree without quota.
    public var size: ByteCount

    public init(storeid: String, scfg: JSONObject, vmid: Int, format: String, volname: String, size: ByteCount) {
      self.storeid = storeid
      self.scfg = scfg
      self.vmid = vmid
      self.format = format
      self.volname = volname
      self.size = size
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.vmid = try object.integer("vmid", 1...999_999_999, at: path)
      self.format = try object.text("format", .volumeFormatName, at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.size = try object.integer("size", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("vmid", .int(Int64(vmid)))
      object.appendNew("format", .string(format))
      object.appendNew("volname", .string(volname))
      object.appendNew("size", .int(size))
      return .object(object)
    }
  }

  /// What `alloc_image` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The volume; must be the name asked for.
    public var volname: String
    /// Its size when the storage rounded it up.
    public var size: ByteCount?

    public init(volname: String, size: ByteCount? = nil) {
      self.volname = volname
      self.size = size
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.size = try object.optionalInteger("size", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("volname", .string(volname))
      if let size { object.appendNew("size", .int(size)) }
      return .object(object)
    }
  }
}
