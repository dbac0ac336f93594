// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A storage's configuration is about to change.
///
/// Runs inside the configuration lock with the configuration's digest checked; `scfg` is the configuration as it is. An
/// error aborts the change.
public enum OnUpdateHookFull: StorageMethod {
  public static let name = "on_update_hook_full"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "hooks",
    summary: "A storage's configuration is about to change.",
    mutating: true,
    idempotent: true,
    lock: .config,
    defaultTimeout: .milliseconds(30_000),
    sensitive: ["result/secrets", "result/show"],
    capability: "hooks",
    pveMethod: "on_update_hook_full",
    hostDefault: HostDefault(.method, "`on_update_hook` when the plugin has it, else nothing."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly, .noSpace, .quotaExceeded,
    ])

  /// Arguments of `on_update_hook_full`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// Properties with their new values.
    public var update: JSONObject
    /// Properties to be removed.
    public var delete: [String]
    /// Sensitive properties given with this change.
    public var sensitive: [SensitiveChange]

    public init(storeid: String, scfg: JSONObject, update: JSONObject, delete: [String], sensitive: [SensitiveChange]) {
      self.storeid = storeid
      self.scfg = scfg
      self.update = update
      self.delete = delete
      self.sensitive = sensitive
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.update = try object.required("update", at: path)
      self.delete = try object.texts("delete", .length(1...128), upTo: 256, at: path)
      self.sensitive = try object.list("sensitive", upTo: 256, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("update", .object(update))
      object.appendNew("delete", delete.json())
      object.appendNew("sensitive", sensitive.json())
      return .object(object)
    }
  }

  /// What `on_update_hook_full` answers.
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
