// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Asks the plugin to end its work.
///
/// The plugin refuses new requests with SHUTTING_DOWN, answers everything pending, then this. After the answer the host
/// closes stdin; the plugin exits within 5 s of EOF. EOF without `shutdown` means the host is gone: the same 5 s.
public enum Shutdown: StorageMethod {
  public static let name = "shutdown"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "lifecycle",
    summary: "Asks the plugin to end its work.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(5000),
    capability: "lifecycle",
    errors: [.internalError])

  /// Arguments of `shutdown`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Why, for logs.
    public var reason: String?

    public init(reason: String? = nil) {
      self.reason = reason
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.reason = try object.optionalText("reason", .length(0...256), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      if let reason { object.appendNew("reason", .string(reason)) }
      return .object(object)
    }
  }

  /// What `shutdown` answers.
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
