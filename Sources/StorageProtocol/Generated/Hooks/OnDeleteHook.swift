// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A storage is about to be removed, or its addition failed.
///
/// Runs inside the configuration lock before the section is dropped. Data on the storage stays.
public enum OnDeleteHook: StorageMethod {
  public static let name = "on_delete_hook"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "hooks",
    summary: "A storage is about to be removed, or its addition failed.",
    mutating: true,
    idempotent: true,
    lock: .config,
    defaultTimeout: .milliseconds(30_000),
    capability: "hooks",
    pveMethod: "on_delete_hook",
    hostDefault: HostDefault(.noop, "Nothing."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly,
    ])

  /// Arguments of `on_delete_hook`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject

    public init(storeid: String, scfg: JSONObject) {
      self.storeid = storeid
      self.scfg = scfg
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      return .object(object)
    }
  }

  /// What `on_delete_hook` answers.
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
