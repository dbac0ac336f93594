// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a guest to be imported consists of.
public enum GetImportMetadata: StorageMethod {
  public static let name = "get_import_metadata"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "What a guest to be imported consists of.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(30_000),
    capability: "import",
    pveMethod: "get_import_metadata",
    hostDefault: HostDefault(.none, "NOT_SUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
    ])

  /// Arguments of `get_import_metadata`.
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

  /// What `get_import_metadata` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// `vm`.
    public var type: String
    /// Where it comes from: `esxi`, `ova`, `ovf`.
    public var source: String
    /// Arguments for creating the guest.
    public var createArgs: JSONObject
    /// Disks by guest slot, such as `scsi0`.
    public var disks: [String: ImportDisk]
    /// Network devices by guest slot.
    public var net: JSONObject?
    /// What could not be carried over.
    public var warnings: [ImportWarning]?

    public init(
      type: String, source: String, createArgs: JSONObject, disks: [String: ImportDisk], net: JSONObject? = nil,
      warnings: [ImportWarning]? = nil
    ) {
      self.type = type
      self.source = source
      self.createArgs = createArgs
      self.disks = disks
      self.net = net
      self.warnings = warnings
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.type = try object.text("type", .length(0...32), at: path)
      self.source = try object.text("source", .length(0...64), at: path)
      self.createArgs = try object.required("createArgs", at: path)
      self.disks = try object.required("disks", at: path)
      self.net = try object.optional("net", at: path)
      self.warnings = try object.optionalList("warnings", upTo: 256, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("type", .string(type))
      object.appendNew("source", .string(source))
      object.appendNew("createArgs", .object(createArgs))
      object.appendNew("disks", disks.json())
      if let net { object.appendNew("net", .object(net)) }
      if let warnings { object.appendNew("warnings", warnings.json()) }
      return .object(object)
    }
  }
}
