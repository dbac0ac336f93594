// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Removes a logical volume's device node.
public enum HostLvmDeactivate: StorageMethod {
  public static let name = "host.lvm.deactivate"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-lvm",
    summary: "Removes a logical volume's device node.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-lvm",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError, .volumeBusy,
    ])

  /// Arguments of `host.lvm.deactivate`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Volume group of the grant.
    public var vg: String
    /// Logical volume; its name must match the grant's pattern.
    public var lv: String

    public init(parent: Int64, vg: String, lv: String) {
      self.parent = parent
      self.vg = vg
      self.lv = lv
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.vg = try object.text("vg", .lvmName, at: path)
      self.lv = try object.text("lv", .lvmName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("parent", .int(parent))
      object.appendNew("vg", .string(vg))
      object.appendNew("lv", .string(lv))
      return .object(object)
    }
  }

  /// What `host.lvm.deactivate` answers.
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
