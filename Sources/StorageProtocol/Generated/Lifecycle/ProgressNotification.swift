// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How far a request is.
///
/// Only when `context.progress` asked for it, at most five a second, none after the answer. It does not extend the
/// deadline.
public enum ProgressNotification: StorageNotification {
  public static let name = "$/progress"
  public static let annotations = MethodAnnotations(
    direction: .both,
    group: "lifecycle",
    summary: "How far a request is.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "lifecycle",
    errors: [])

  /// Arguments of `$/progress`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, in the receiver's id space.
    public var id: Int64
    /// Number of the report within the request, from 1; reports out of order are dropped.
    public var seq: Int64?
    /// Units done; never decreases.
    public var done: Int64
    /// Units in all, when known.
    public var total: Int64?
    /// `bytes`, `items`, `percent`; `bytes` when absent.
    public var unit: String?
    /// Name of the step.
    public var phase: String?
    /// For people.
    public var message: String?

    public init(
      id: Int64, done: Int64, seq: Int64? = nil, total: Int64? = nil, unit: String? = nil, phase: String? = nil,
      message: String? = nil
    ) {
      self.id = id
      self.seq = seq
      self.done = done
      self.total = total
      self.unit = unit
      self.phase = phase
      self.message = message
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.id = try object.integer("id", 0...Int64.max, at: path)
      self.seq = try object.optionalInteger("seq", 1...Int64.max, at: path)
      self.done = try object.integer("done", 0...Int64.max, at: path)
      self.total = try object.optionalInteger("total", 0...Int64.max, at: path)
      self.unit = try object.optionalText("unit", .length(0...16), at: path)
      self.phase = try object.optionalText("phase", .length(0...64), at: path)
      self.message = try object.optionalText("message", .length(0...512), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(7)
      object.appendNew("id", .int(id))
      if let seq { object.appendNew("seq", .int(seq)) }
      object.appendNew("done", .int(done))
      if let total { object.appendNew("total", .int(total)) }
      if let unit { object.appendNew("unit", .string(unit)) }
      if let phase { object.appendNew("phase", .string(phase)) }
      if let message { object.appendNew("message", .string(message)) }
      return .object(object)
    }
  }
}
