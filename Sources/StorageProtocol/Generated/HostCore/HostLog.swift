// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A line for the host's log.
public enum HostLog: StorageNotification {
  public static let name = "host.log"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-core",
    summary: "A line for the host's log.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-core",
    errors: [])

  /// Arguments of `host.log`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// How important.
    public var level: LogLevel
    /// The text: no secrets, no line feeds.
    public var message: String
    /// Structured details.
    public var fields: [String: String]?
    /// Request it belongs to.
    public var parent: Int64?

    public init(level: LogLevel, message: String, fields: [String: String]? = nil, parent: Int64? = nil) {
      self.level = level
      self.message = message
      self.fields = fields
      self.parent = parent
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.level = try object.required("level", at: path)
      self.message = try object.text("message", .length(0...8192), at: path)
      self.fields = try object.optionalTextMap("fields", .length(0...1024), at: path)
      self.parent = try object.optionalInteger("parent", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("level", level.json())
      object.appendNew("message", .string(message))
      if let fields { object.appendNew("fields", fields.json()) }
      if let parent { object.appendNew("parent", .int(parent)) }
      return .object(object)
    }
  }
}
