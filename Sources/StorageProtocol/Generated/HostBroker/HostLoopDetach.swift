// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Undoes `host.loop.attach`.
public enum HostLoopDetach: StorageMethod {
  public static let name = "host.loop.detach"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-broker",
    summary: "Undoes `host.loop.attach`.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-broker",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeBusy,
      .backendError,
    ])

  /// Arguments of `host.loop.detach`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Handle.
    public var loop: String

    public init(parent: Int64, loop: String) {
      self.parent = parent
      self.loop = loop
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.loop = try object.text("loop", .length(1...128), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("parent", .int(parent))
      object.appendNew("loop", .string(loop))
      return .object(object)
    }
  }

  /// What `host.loop.detach` answers.
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
