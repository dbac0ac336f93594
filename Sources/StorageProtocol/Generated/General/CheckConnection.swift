// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Whether the storage answers.
public enum CheckConnection: StorageMethod {
  public static let name = "check_connection"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "Whether the storage answers.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "general",
    pveMethod: "check_connection",
    hostDefault: HostDefault(.constant, "true"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied,
    ])

  /// Arguments of `check_connection`.
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

  /// What `check_connection` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Whether it does.
    public var connected: Bool

    public init(connected: Bool) {
      self.connected = connected
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.connected = try object.required("connected", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("connected", .bool(connected))
      return .object(object)
    }
  }
}
