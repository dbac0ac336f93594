// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Takes a thin snapshot.
public enum HostLvmSnapshot: StorageMethod {
  public static let name = "host.lvm.snapshot"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-lvm",
    summary: "Takes a thin snapshot.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(60_000),
    capability: "host-lvm",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError, .volumeExists, .noSpace, .notSupported,
    ])

  /// Arguments of `host.lvm.snapshot`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Volume group of the grant.
    public var vg: String
    /// Logical volume; its name must match the grant's pattern.
    public var lv: String
    /// Logical volume; its name must match the grant's pattern.
    public var target: String
    /// Whether it may not be written.
    public var readOnly: Bool?

    public init(parent: Int64, vg: String, lv: String, target: String, readOnly: Bool? = nil) {
      self.parent = parent
      self.vg = vg
      self.lv = lv
      self.target = target
      self.readOnly = readOnly
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.vg = try object.text("vg", .lvmName, at: path)
      self.lv = try object.text("lv", .lvmName, at: path)
      self.target = try object.text("target", .lvmName, at: path)
      self.readOnly = try object.optional("readOnly", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("parent", .int(parent))
      object.appendNew("vg", .string(vg))
      object.appendNew("lv", .string(lv))
      object.appendNew("target", .string(target))
      if let readOnly { object.appendNew("readOnly", .bool(readOnly)) }
      return .object(object)
    }
  }

  /// What `host.lvm.snapshot` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The snapshot.
    public var volume: LogicalVolume

    public init(volume: LogicalVolume) {
      self.volume = volume
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.volume = try object.required("volume", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("volume", volume.json())
      return .object(object)
    }
  }
}
