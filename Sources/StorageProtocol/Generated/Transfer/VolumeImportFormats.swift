// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Formats a volume can be made from.
///
/// The volume need not exist: its name tells the format it shall have.
public enum VolumeImportFormats: StorageMethod {
  public static let name = "volume_import_formats"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "transfer",
    summary: "Formats a volume can be made from.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "import",
    pveMethod: "volume_import_formats",
    hostDefault: HostDefault(.constant, "no formats"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid,
    ])

  /// Arguments of `volume_import_formats`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// State to send.
    public var snapname: String?
    /// Send only what came after it.
    public var baseSnapshot: String?
    /// Send the snapshots too.
    public var withSnapshots: Bool?

    public init(
      storeid: String, scfg: JSONObject, volname: String, snapname: String? = nil, baseSnapshot: String? = nil,
      withSnapshots: Bool? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.snapname = snapname
      self.baseSnapshot = baseSnapshot
      self.withSnapshots = withSnapshots
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
      self.baseSnapshot = try object.optionalText("baseSnapshot", .snapshotName, at: path)
      self.withSnapshots = try object.optional("withSnapshots", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      if let baseSnapshot { object.appendNew("baseSnapshot", .string(baseSnapshot)) }
      if let withSnapshots { object.appendNew("withSnapshots", .bool(withSnapshots)) }
      return .object(object)
    }
  }

  /// What `volume_import_formats` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Formats, best first; empty when none fits.
    public var formats: [String]

    public init(formats: [String]) {
      self.formats = formats
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.formats = try object.texts("formats", .streamFormatName, upTo: 64, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("formats", formats.json())
      return .object(object)
    }
  }
}
