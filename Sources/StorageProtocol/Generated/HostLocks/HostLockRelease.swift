// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Gives a lock back.
public enum HostLockRelease: StorageMethod {
  public static let name = "host.lock.release"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-locks",
    summary: "Gives a lock back.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-locks",
    errors: [.invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .lockLost])

  /// Arguments of `host.lock.release`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Name, local to the plugin and storage.
    public var name: String
    /// Fencing token.
    public var token: Int64

    public init(parent: Int64, name: String, token: Int64) {
      self.parent = parent
      self.name = name
      self.token = token
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.name = try object.text("name", .localLockName, at: path)
      self.token = try object.integer("token", 1...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("parent", .int(parent))
      object.appendNew("name", .string(name))
      object.appendNew("token", .int(token))
      return .object(object)
    }
  }

  /// What `host.lock.release` answers.
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
