// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A volume group and its logical volumes.
public enum HostLvmReport: StorageMethod {
  public static let name = "host.lvm.report"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-lvm",
    summary: "A volume group and its logical volumes.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(30_000),
    capability: "host-lvm",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError,
    ])

  /// Arguments of `host.lvm.report`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Volume group of the grant.
    public var vg: String

    public init(parent: Int64, vg: String) {
      self.parent = parent
      self.vg = vg
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.vg = try object.text("vg", .lvmName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("parent", .int(parent))
      object.appendNew("vg", .string(vg))
      return .object(object)
    }
  }

  /// What `host.lvm.report` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The group.
    public var group: VolumeGroup
    /// Its volumes.
    public var volumes: [LogicalVolume]

    public init(group: VolumeGroup, volumes: [LogicalVolume]) {
      self.group = group
      self.volumes = volumes
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.group = try object.required("group", at: path)
      self.volumes = try object.list("volumes", upTo: 100_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("group", group.json())
      object.appendNew("volumes", volumes.json())
      return .object(object)
    }
  }
}
