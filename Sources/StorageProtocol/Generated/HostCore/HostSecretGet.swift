// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The value of a sensitive property of the own storage.
///
/// Only way a secret reaches a plugin. The value must not be written to logs, arguments or the environment.
public enum HostSecretGet: StorageMethod {
  public static let name = "host.secret.get"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-core",
    summary: "The value of a sensitive property of the own storage.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(5000),
    sensitive: ["result/value"],
    capability: "host-core",
    errors: [.invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded])

  /// Arguments of `host.secret.get`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// The property, declared `x-sensitive`.
    public var name: String

    public init(parent: Int64, name: String) {
      self.parent = parent
      self.name = name
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.name = try object.text("name", .length(1...128), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("parent", .int(parent))
      object.appendNew("name", .string(name))
      return .object(object)
    }
  }

  /// What `host.secret.get` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The value; null when it is not set.
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
