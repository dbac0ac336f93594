// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Checks a configuration beyond what its schema can say.
///
/// Must be pure and fast: no network, no writing. Runs in a short-lived process when the storage does not exist yet.
public enum CheckConfig: StorageMethod {
  public static let name = "check_config"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "Checks a configuration beyond what its schema can say.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(5000),
    capability: "definition",
    pveMethod: "check_config",
    hostDefault: HostDefault(.rule, "The configuration is returned as it is."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid,
    ])

  /// Arguments of `check_config`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage, existing or to be.
    public var storeid: String
    /// The configuration to check, schema already satisfied.
    public var scfg: JSONObject
    /// Whether the storage is being added.
    public var create: Bool
    /// Whether the schema was left unchecked.
    public var skipSchemaCheck: Bool?

    public init(storeid: String, scfg: JSONObject, create: Bool, skipSchemaCheck: Bool? = nil) {
      self.storeid = storeid
      self.scfg = scfg
      self.create = create
      self.skipSchemaCheck = skipSchemaCheck
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.create = try object.required("create", at: path)
      self.skipSchemaCheck = try object.optional("skipSchemaCheck", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("create", .bool(create))
      if let skipSchemaCheck { object.appendNew("skipSchemaCheck", .bool(skipSchemaCheck)) }
      return .object(object)
    }
  }

  /// What `check_config` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The same with what the plugin derives: properties that were not given and that no permission is made of.
    public var scfg: JSONObject

    public init(scfg: JSONObject) {
      self.scfg = scfg
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.scfg = try object.required("scfg", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("scfg", .object(scfg))
      return .object(object)
    }
  }
}
