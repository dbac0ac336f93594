// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Undoes `host.mount`.
public enum HostUnmount: StorageMethod {
  public static let name = "host.unmount"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-broker",
    summary: "Undoes `host.mount`.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(60_000),
    capability: "host-broker",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeBusy,
      .backendError,
    ])

  /// Arguments of `host.unmount`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Handle.
    public var mount: String
    /// Detach even when busy.
    public var force: Bool?

    public init(parent: Int64, mount: String, force: Bool? = nil) {
      self.parent = parent
      self.mount = mount
      self.force = force
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.mount = try object.text("mount", .length(1...128), at: path)
      self.force = try object.optional("force", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("parent", .int(parent))
      object.appendNew("mount", .string(mount))
      if let force { object.appendNew("force", .bool(force)) }
      return .object(object)
    }
  }

  /// What `host.unmount` answers.
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
