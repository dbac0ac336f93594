// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Prepares a volume for use on this node.
public enum ActivateVolume: StorageMethod {
  public static let name = "activate_volume"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Prepares a volume for use on this node.",
    mutating: false,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(30_000),
    nodeLocal: true,
    capability: "volumes",
    pveMethod: "activate_volume",
    hostDefault: HostDefault(.method, "`volume_size_info`: the volume must exist."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .snapshotNotFound, .volumeBusy,
    ])

  /// Arguments of `activate_volume`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// A snapshot of it; the live state when absent.
    public var snapname: String?
    /// What the caller knows.
    public var hints: VolumeHints?

    public init(
      storeid: String, scfg: JSONObject, volname: String, snapname: String? = nil, hints: VolumeHints? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.snapname = snapname
      self.hints = hints
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
      self.hints = try object.optional("hints", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      if let hints { object.appendNew("hints", hints.json()) }
      return .object(object)
    }
  }

  /// What `activate_volume` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    public init() {}

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      _ = try json.object(at: path)
    }

    public func json() -> JSON {
      .object(JSONObject())
    }
  }
}
