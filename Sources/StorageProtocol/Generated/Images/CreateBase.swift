// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes a volume a base for linked clones.
///
/// The name it gets was reserved under the storage lock; the work runs under the locks of the two names only.
public enum CreateBase: StorageMethod {
  public static let name = "create_base"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "images",
    summary: "Makes a volume a base for linked clones.",
    mutating: true,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(60_000),
    capability: "template",
    pveMethod: "create_base",
    hostDefault: HostDefault(.none, "NOT_SUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
      .staleFence, .lockRequired, .lockLost, .idempotencyConflict, .inProgress, .readOnly, .noSpace, .quotaExceeded,
      .volumeExists, .volumeBusy, .hasDependents,
    ])

  /// Arguments of `create_base`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// The name it gets, chosen by the host.
    public var targetVolname: String

    public init(storeid: String, scfg: JSONObject, volname: String, targetVolname: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.targetVolname = targetVolname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.targetVolname = try object.text("targetVolname", .volumeName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("targetVolname", .string(targetVolname))
      return .object(object)
    }
  }

  /// What `create_base` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The new name; must be the one asked for.
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
