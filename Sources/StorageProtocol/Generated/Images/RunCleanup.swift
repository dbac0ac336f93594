// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Runs the work `free_image` left.
///
/// May be repeated: work already done is success. An unknown token is success too.
public enum RunCleanup: StorageMethod {
  public static let name = "run_cleanup"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "images",
    summary: "Runs the work `free_image` left.",
    mutating: true,
    idempotent: true,
    lock: .volume,
    defaultTimeout: .milliseconds(86_400_000),
    longRunning: true,
    capability: "images",
    pveMethod: "free_image",
    hostDefault: HostDefault(.none, "Never needed unless `free_image` returned a cleanup."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly, .noSpace, .quotaExceeded,
    ])

  /// Arguments of `run_cleanup`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The token `free_image` gave.
    public var token: String

    public init(storeid: String, scfg: JSONObject, token: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.token = token
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.token = try object.text("token", .length(1...4096), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("token", .string(token))
      return .object(object)
    }
  }

  /// What `run_cleanup` answers.
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
