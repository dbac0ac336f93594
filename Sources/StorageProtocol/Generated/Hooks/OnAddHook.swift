// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A storage is about to be added.
///
/// Runs inside the configuration lock, before anything is written, in a process with the grants the storage will have.
/// An error aborts the addition. Afterwards the host activates the storage; when that fails it calls `on_delete_hook`
/// and writes nothing.
public enum OnAddHook: StorageMethod {
  public static let name = "on_add_hook"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "hooks",
    summary: "A storage is about to be added.",
    mutating: true,
    idempotent: true,
    lock: .config,
    defaultTimeout: .milliseconds(30_000),
    sensitive: ["result/secrets", "result/show"],
    capability: "hooks",
    pveMethod: "on_add_hook",
    hostDefault: HostDefault(.noop, "Nothing."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly, .noSpace, .quotaExceeded,
    ])

  /// Arguments of `on_add_hook`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// Sensitive properties given with this change.
    public var sensitive: [SensitiveChange]

    public init(storeid: String, scfg: JSONObject, sensitive: [SensitiveChange]) {
      self.storeid = storeid
      self.scfg = scfg
      self.sensitive = sensitive
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.sensitive = try object.list("sensitive", upTo: 256, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("sensitive", sensitive.json())
      return .object(object)
    }
  }

  /// What `on_add_hook` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Changes to the configuration.
    public var config: ConfigPatch?
    /// What to show to whoever made the change, such as a generated key.
    public var show: [String: ShownValue]?
    /// Sensitive properties the plugin generated; the host stores them with the others.
    public var secrets: [String: String]?

    public init(config: ConfigPatch? = nil, show: [String: ShownValue]? = nil, secrets: [String: String]? = nil) {
      self.config = config
      self.show = show
      self.secrets = secrets
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.config = try object.optional("config", at: path)
      self.show = try object.optional("show", at: path)
      self.secrets = try object.optionalTextMap("secrets", .length(0...65536), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      if let config { object.appendNew("config", config.json()) }
      if let show { object.appendNew("show", show.json()) }
      if let secrets { object.appendNew("secrets", secrets.json()) }
      return .object(object)
    }
  }
}
