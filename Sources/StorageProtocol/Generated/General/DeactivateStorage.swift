// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Ends the use of the storage on this node.
public enum DeactivateStorage: StorageMethod {
  public static let name = "deactivate_storage"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "Ends the use of the storage on this node.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(30_000),
    nodeLocal: true,
    capability: "general",
    pveMethod: "deactivate_storage",
    hostDefault: HostDefault(.noop, "Nothing."),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .volumeBusy,
    ])

  /// Arguments of `deactivate_storage`.
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

  /// What `deactivate_storage` answers.
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
