// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Whether volumes of a format can be replicated.
public enum StorageCanReplicate: StorageMethod {
  public static let name = "storage_can_replicate"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Whether volumes of a format can be replicated.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(2000),
    capability: "volumes",
    pveMethod: "storage_can_replicate",
    hostDefault: HostDefault(.constant, "false"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .formatUnsupported,
    ])

  /// Arguments of `storage_can_replicate`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The format.
    public var format: String

    public init(storeid: String, scfg: JSONObject, format: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.format = format
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.format = try object.text("format", .volumeFormatName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("format", .string(format))
      return .object(object)
    }
  }

  /// What `storage_can_replicate` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Whether they can.
    public var supported: Bool

    public init(supported: Bool) {
      self.supported = supported
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.supported = try object.required("supported", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("supported", .bool(supported))
      return .object(object)
    }
  }
}
