// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A name for a new disk that nothing has yet.
///
/// Asked under the storage lock. Nothing is created.
public enum FindFreeDiskname: StorageMethod {
  public static let name = "find_free_diskname"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "A name for a new disk that nothing has yet.",
    mutating: false,
    idempotent: true,
    lock: .storage,
    defaultTimeout: .milliseconds(10_000),
    capability: "general",
    pveMethod: "find_free_diskname",
    hostDefault: HostDefault(
      .rule,
      """
      The first free number in `vm-VMID-disk-N` (`subvol-` for subvol) by `list_images`, in the storage's grammar.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .noSpace, .formatUnsupported, .notSupported,
    ])

  /// Arguments of `find_free_diskname`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// Owner of the disk.
    public var vmid: Int
    /// Its format.
    public var format: String?
    /// Whether the name ends in the format.
    public var addFormatSuffix: Bool?
    /// Names the host has reserved for work that still runs.
    public var exclude: [String]?

    public init(
      storeid: String, scfg: JSONObject, vmid: Int, format: String? = nil, addFormatSuffix: Bool? = nil,
      exclude: [String]? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.vmid = vmid
      self.format = format
      self.addFormatSuffix = addFormatSuffix
      self.exclude = exclude
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.vmid = try object.integer("vmid", 1...999_999_999, at: path)
      self.format = try object.optionalText("format", .volumeFormatName, at: path)
      self.addFormatSuffix = try object.optional("addFormatSuffix", at: path)
      self.exclude = try object.optionalTexts("exclude", .volumeName, upTo: 10_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("vmid", .int(Int64(vmid)))
      if let format { object.appendNew("format", .string(format)) }
      if let addFormatSuffix { object.appendNew("addFormatSuffix", .bool(addFormatSuffix)) }
      if let exclude { object.appendNew("exclude", exclude.json()) }
      return .object(object)
    }
  }

  /// What `find_free_diskname` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The name.
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
