// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Asks to end a request early.
///
/// The request is still answered, always: with its result when it was too late, or with CANCELLED and the outcome. The
/// work is done, or as if never begun; anything else is `partial` with a hint.
public enum CancelNotification: StorageNotification {
  public static let name = "$/cancel"
  public static let annotations = MethodAnnotations(
    direction: .both,
    group: "lifecycle",
    summary: "Asks to end a request early.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "lifecycle",
    errors: [])

  /// Arguments of `$/cancel`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, in the sender's id space.
    public var id: Int64
    /// Why, for logs.
    public var reason: String?

    public init(id: Int64, reason: String? = nil) {
      self.id = id
      self.reason = reason
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.id = try object.integer("id", 0...Int64.max, at: path)
      self.reason = try object.optionalText("reason", .length(0...256), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("id", .int(id))
      if let reason { object.appendNew("reason", .string(reason)) }
      return .object(object)
    }
  }
}
