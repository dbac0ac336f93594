// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The lease under which a mutating call runs.
public struct LockLease: JSONCodable, Sendable, Hashable {
  /// Name of the lock: `storage/<storeid>`, `volume/<storeid>:<volname>` or `config`.
  public var name: String
  /// What the lock covers.
  public var scope: LockScope
  /// Fencing token: only ever grows for one lock name, across nodes and restarts. A plugin that has seen a higher one
  /// answers STALE_FENCE.
  public var token: Int64
  /// How long the lease is certain to last, from the sending of the request, in ms.
  public var ttlMs: Int64

  public init(name: String, scope: LockScope, token: Int64, ttlMs: Int64) {
    self.name = name
    self.scope = scope
    self.token = token
    self.ttlMs = ttlMs
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.name = try object.text("name", .length(1...1200), at: path)
    self.scope = try object.required("scope", at: path)
    self.token = try object.integer("token", 1...Int64.max, at: path)
    self.ttlMs = try object.integer("ttlMs", 0...Int64.max, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(4)
    object.appendNew("name", .string(name))
    object.appendNew("scope", scope.json())
    object.appendNew("token", .int(token))
    object.appendNew("ttlMs", .int(ttlMs))
    return .object(object)
  }
}
