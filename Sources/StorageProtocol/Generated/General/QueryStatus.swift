// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How full the storage is.
///
/// Asked in the background; must not wait for anything that can hang longer than the deadline.
public enum QueryStatus: StorageMethod {
  public static let name = "status"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "How full the storage is.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(5000),
    capability: "general",
    required: true,
    pveMethod: "status",
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied,
    ])

  /// Arguments of `status`.
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

  /// What `status` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Capacity in bytes.
    public var total: ByteCount
    /// Used bytes.
    public var used: ByteCount
    /// Free bytes.
    public var available: ByteCount
    /// Whether it is usable now.
    public var active: Bool

    public init(total: ByteCount, used: ByteCount, available: ByteCount, active: Bool) {
      self.total = total
      self.used = used
      self.available = available
      self.active = active
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.total = try object.integer("total", 0...Int64.max, at: path)
      self.used = try object.integer("used", 0...Int64.max, at: path)
      self.available = try object.integer("available", 0...Int64.max, at: path)
      self.active = try object.required("active", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("total", .int(total))
      object.appendNew("used", .int(used))
      object.appendNew("available", .int(available))
      object.appendNew("active", .bool(active))
      return .object(object)
    }
  }
}
