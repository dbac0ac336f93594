// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What the host says about every request besides its arguments. Unknown members are ignored.
public struct CallContext: JSONCodable, Sendable, Hashable {
  /// How long the plugin may take, relative to receiving the request, in ms: the smallest of the caller's deadline, the
  /// lock's budget and the method's default.
  public var timeoutMs: Int64?
  /// Present on every mutating call. The same key with the same arguments must have the same result and no second
  /// effect.
  public var idempotencyKey: String?
  /// Present when the host holds a lock for this call.
  public var lock: LockLease?
  /// W3C trace context of the operation.
  public var traceparent: String?
  /// Who asked, such as `root@pam` or `uid:1000`; for logs only, grants nothing.
  public var actor: String?
  /// Whether `$/progress` is wanted.
  public var progress: Bool?
  /// Features the plugin must understand to carry out this request; it answers UNSUPPORTED_FEATURE when it does not
  /// know one.
  public var require: [String]?

  public init(
    timeoutMs: Int64? = nil, idempotencyKey: String? = nil, lock: LockLease? = nil, traceparent: String? = nil,
    actor: String? = nil, progress: Bool? = nil, require: [String]? = nil
  ) {
    self.timeoutMs = timeoutMs
    self.idempotencyKey = idempotencyKey
    self.lock = lock
    self.traceparent = traceparent
    self.actor = actor
    self.progress = progress
    self.require = require
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.timeoutMs = try object.optionalInteger("timeoutMs", 1...Int64.max, at: path)
    self.idempotencyKey = try object.optionalText("idempotencyKey", .length(1...128), at: path)
    self.lock = try object.optional("lock", at: path)
    self.traceparent = try object.optionalText("traceparent", .length(0...128), at: path)
    self.actor = try object.optionalText("actor", .length(0...256), at: path)
    self.progress = try object.optional("progress", at: path)
    self.require = try object.optionalTexts("require", .length(1...128), upTo: 32, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(7)
    if let timeoutMs { object.appendNew("timeoutMs", .int(timeoutMs)) }
    if let idempotencyKey { object.appendNew("idempotencyKey", .string(idempotencyKey)) }
    if let lock { object.appendNew("lock", lock.json()) }
    if let traceparent { object.appendNew("traceparent", .string(traceparent)) }
    if let actor { object.appendNew("actor", .string(actor)) }
    if let progress { object.appendNew("progress", .bool(progress)) }
    if let require { object.appendNew("require", require.json()) }
    return .object(object)
  }
}
