// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A text that is equal on two nodes exactly when both mean the same storage.
public enum GetIdentity: StorageMethod {
  public static let name = "get_identity"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "A text that is equal on two nodes exactly when both mean the same storage.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "general",
    pveMethod: "get_identity",
    hostDefault: HostDefault(.constant, "NOT_SUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .notSupported,
    ])

  /// Arguments of `get_identity`.
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

  /// What `get_identity` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The text.
    public var identity: String

    public init(identity: String) {
      self.identity = identity
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.identity = try object.text("identity", .length(1...1024), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("identity", .string(identity))
      return .object(object)
    }
  }
}
