// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes a logical volume's device node.
public enum HostLvmActivate: StorageMethod {
  public static let name = "host.lvm.activate"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-lvm",
    summary: "Makes a logical volume's device node.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-lvm",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError,
    ])

  /// Arguments of `host.lvm.activate`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Volume group of the grant.
    public var vg: String
    /// Logical volume; its name must match the grant's pattern.
    public var lv: String
    /// `rw` when absent.
    public var access: AccessMode?

    public init(parent: Int64, vg: String, lv: String, access: AccessMode? = nil) {
      self.parent = parent
      self.vg = vg
      self.lv = lv
      self.access = access
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.vg = try object.text("vg", .lvmName, at: path)
      self.lv = try object.text("lv", .lvmName, at: path)
      self.access = try object.optional("access", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("parent", .int(parent))
      object.appendNew("vg", .string(vg))
      object.appendNew("lv", .string(lv))
      if let access { object.appendNew("access", access.json()) }
      return .object(object)
    }
  }

  /// What `host.lvm.activate` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The node.
    public var device: String

    public init(device: String) {
      self.device = device
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.device = try object.text("device", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("device", .string(device))
      return .object(object)
    }
  }
}
