// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Undoes `host.block.attach`.
public enum HostBlockDetach: StorageMethod {
  public static let name = "host.block.detach"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-block",
    summary: "Undoes `host.block.attach`.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(60_000),
    capability: "host-block",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeBusy,
      .backendError,
    ])

  /// Arguments of `host.block.detach`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Handle.
    public var attachment: String

    public init(parent: Int64, attachment: String) {
      self.parent = parent
      self.attachment = attachment
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.attachment = try object.text("attachment", .length(1...128), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("parent", .int(parent))
      object.appendNew("attachment", .string(attachment))
      return .object(object)
    }
  }

  /// What `host.block.detach` answers.
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
