// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The request is alive though it has no progress to show.
///
/// A method marked longRunning sends progress or this at least every 15 s. Three missed in a row count as hung.
public enum HeartbeatNotification: StorageNotification {
  public static let name = "$/heartbeat"
  public static let annotations = MethodAnnotations(
    direction: .both,
    group: "lifecycle",
    summary: "The request is alive though it has no progress to show.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "lifecycle",
    errors: [])

  /// Arguments of `$/heartbeat`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, in the receiver's id space.
    public var id: Int64

    public init(id: Int64) {
      self.id = id
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.id = try object.integer("id", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("id", .int(id))
      return .object(object)
    }
  }
}
