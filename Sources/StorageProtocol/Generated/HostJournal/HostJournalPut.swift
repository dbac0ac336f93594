// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Writes to the plugin's small durable memory.
///
/// Durable when answered. At most 1024 keys a storage.
public enum HostJournalPut: StorageMethod {
  public static let name = "host.journal.put"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-journal",
    summary: "Writes to the plugin's small durable memory.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-journal",
    errors: [.invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .noSpace])

  /// Arguments of `host.journal.put`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Key, local to plugin and storage.
    public var key: String
    /// The text, at most 64 KiB.
    public var value: String

    public init(parent: Int64, key: String, value: String) {
      self.parent = parent
      self.key = key
      self.value = value
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.key = try object.text("key", .journalKey, at: path)
      self.value = try object.text("value", .length(0...65536), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("parent", .int(parent))
      object.appendNew("key", .string(key))
      object.appendNew("value", .string(value))
      return .object(object)
    }
  }

  /// What `host.journal.put` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    public init() {}

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      _ = try json.object(at: path)
    }

    public func json() -> JSON {
      .object(JSONObject())
    }
  }
}
