// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Removes a volume of any kind.
///
/// A volume that does not exist is success. A base with clones is HAS_DEPENDENTS, a protected volume PROTECTED. Long
/// wiping is left to `run_cleanup`: the name must be free when this returns.
public enum FreeImage: StorageMethod {
  public static let name = "free_image"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "images",
    summary: "Removes a volume of any kind.",
    mutating: true,
    idempotent: true,
    lock: .storage,
    defaultTimeout: .milliseconds(60_000),
    capability: "images",
    required: true,
    pveMethod: "free_image",
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly, .noSpace, .quotaExceeded, .nameInvalid, .notSupported, .corrupt, .volumeBusy,
      .hasDependents, .protected,
    ])

  /// Arguments of `free_image`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String
    /// Whether the name says it is a base.
    public var isBase: Bool?
    /// Its format, when the name says it.
    public var format: String?

    public init(storeid: String, scfg: JSONObject, volname: String, isBase: Bool? = nil, format: String? = nil) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.isBase = isBase
      self.format = format
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.isBase = try object.optional("isBase", at: path)
      self.format = try object.optionalText("format", .volumeFormatName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      if let isBase { object.appendNew("isBase", .bool(isBase)) }
      if let format { object.appendNew("format", .string(format)) }
      return .object(object)
    }
  }

  /// What `free_image` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Work that is left, to be run outside the lock.
    public var cleanup: CleanupTask?

    public init(cleanup: CleanupTask? = nil) {
      self.cleanup = cleanup
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.cleanup = try object.optional("cleanup", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      if let cleanup { object.appendNew("cleanup", cleanup.json()) }
      return .object(object)
    }
  }
}
