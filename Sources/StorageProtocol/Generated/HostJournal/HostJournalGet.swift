// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Reads from the plugin's small durable memory.
public enum HostJournalGet: StorageMethod {
  public static let name = "host.journal.get"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-journal",
    summary: "Reads from the plugin's small durable memory.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-journal",
    errors: [.invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded])

  /// Arguments of `host.journal.get`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Key, local to plugin and storage.
    public var key: String

    public init(parent: Int64, key: String) {
      self.parent = parent
      self.key = key
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.key = try object.text("key", .journalKey, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("parent", .int(parent))
      object.appendNew("key", .string(key))
      return .object(object)
    }
  }

  /// What `host.journal.get` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The text; null when there is none.
    public var value: String?

    public init(value: String?) {
      self.value = value
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.value = try object.nullableText("value", .length(0...65536), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("value", value.json())
      return .object(object)
    }
  }
}
