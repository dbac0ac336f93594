// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Whether something can be done with a volume.
public enum VolumeHasFeature: StorageMethod {
  public static let name = "volume_has_feature"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Whether something can be done with a volume.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(5000),
    capability: "volumes",
    pveMethod: "volume_has_feature",
    hostDefault: HostDefault(
      .manifest,
      """
      The feature table of the storage type, by format and by base, current or snapshot.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .snapshotNotFound,
    ])

  /// Arguments of `volume_has_feature`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// What.
    public var feature: VolumeFeature
    /// A snapshot of it; the live state when absent.
    public var snapname: String?
    /// Whether a guest uses it now.
    public var running: Bool?
    /// Formats a copy may have.
    public var validTargetFormats: [String]?

    public init(
      storeid: String, scfg: JSONObject, volname: String, feature: VolumeFeature, snapname: String? = nil,
      running: Bool? = nil, validTargetFormats: [String]? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.feature = feature
      self.snapname = snapname
      self.running = running
      self.validTargetFormats = validTargetFormats
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.feature = try object.required("feature", at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
      self.running = try object.optional("running", at: path)
      self.validTargetFormats = try object.optionalTexts("validTargetFormats", .volumeFormatName, upTo: 32, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(7)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("feature", feature.json())
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      if let running { object.appendNew("running", .bool(running)) }
      if let validTargetFormats { object.appendNew("validTargetFormats", validTargetFormats.json()) }
      return .object(object)
    }
  }

  /// What `volume_has_feature` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Whether it can.
    public var supported: Bool

    public init(supported: Bool) {
      self.supported = supported
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.supported = try object.required("supported", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("supported", .bool(supported))
      return .object(object)
    }
  }
}
