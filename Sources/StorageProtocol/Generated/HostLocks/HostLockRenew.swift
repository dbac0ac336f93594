// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Keeps a lock.
public enum HostLockRenew: StorageMethod {
  public static let name = "host.lock.renew"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-locks",
    summary: "Keeps a lock.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-locks",
    errors: [.invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .lockLost])

  /// Arguments of `host.lock.renew`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Name, local to the plugin and storage.
    public var name: String
    /// Fencing token.
    public var token: Int64
    /// From now, in ms.
    public var ttlMs: Int

    public init(parent: Int64, name: String, token: Int64, ttlMs: Int) {
      self.parent = parent
      self.name = name
      self.token = token
      self.ttlMs = ttlMs
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.name = try object.text("name", .localLockName, at: path)
      self.token = try object.integer("token", 1...Int64.max, at: path)
      self.ttlMs = try object.integer("ttlMs", 1000...120_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("parent", .int(parent))
      object.appendNew("name", .string(name))
      object.appendNew("token", .int(token))
      object.appendNew("ttlMs", .int(Int64(ttlMs)))
      return .object(object)
    }
  }

  /// What `host.lock.renew` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// How long the lease lasts, in ms.
    public var ttlMs: Int64

    public init(ttlMs: Int64) {
      self.ttlMs = ttlMs
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.ttlMs = try object.integer("ttlMs", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("ttlMs", .int(ttlMs))
      return .object(object)
    }
  }
}
