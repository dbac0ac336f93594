// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Attaches a remote block device.
public enum HostBlockAttach: StorageMethod {
  public static let name = "host.block.attach"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-block",
    summary: "Attaches a remote block device.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(120_000),
    capability: "host-block",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .storageUnavailable,
      .authFailed, .volumeNotFound, .backendError,
    ])

  /// Arguments of `host.block.attach`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// How it is reached.
    public var `protocol`: BlockProtocol
    /// `host:port`; each must be granted. A host may refuse more than one.
    public var portals: [String]
    /// IQN, NQN or export name.
    public var target: String?
    /// Logical unit or namespace.
    public var lun: Int?
    /// Identity the device must have; another one is refused.
    public var wwid: String
    /// Sensitive property with the credentials; iSCSI: CHAP name, a blank and CHAP secret.
    public var secret: String?
    /// `rw` when absent.
    public var access: AccessMode?

    public init(
      parent: Int64, `protocol`: BlockProtocol, portals: [String], wwid: String, target: String? = nil, lun: Int? = nil,
      secret: String? = nil, access: AccessMode? = nil
    ) {
      self.parent = parent
      self.protocol = `protocol`
      self.portals = portals
      self.target = target
      self.lun = lun
      self.wwid = wwid
      self.secret = secret
      self.access = access
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.protocol = try object.required("protocol", at: path)
      self.portals = try object.texts("portals", .length(1...256), upTo: 64, at: path)
      self.target = try object.optionalText("target", .length(0...512), at: path)
      self.lun = try object.optionalInteger("lun", 0...65_535, at: path)
      self.wwid = try object.text("wwid", .length(1...256), at: path)
      self.secret = try object.optionalText("secret", .length(0...128), at: path)
      self.access = try object.optional("access", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(8)
      object.appendNew("parent", .int(parent))
      object.appendNew("protocol", `protocol`.json())
      object.appendNew("portals", portals.json())
      if let target { object.appendNew("target", .string(target)) }
      if let lun { object.appendNew("lun", .int(Int64(lun))) }
      object.appendNew("wwid", .string(wwid))
      if let secret { object.appendNew("secret", .string(secret)) }
      if let access { object.appendNew("access", access.json()) }
      return .object(object)
    }
  }

  /// What `host.block.attach` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Handle.
    public var attachment: String
    /// Device node on the host, multipath resolved.
    public var device: String

    public init(attachment: String, device: String) {
      self.attachment = attachment
      self.device = device
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.attachment = try object.text("attachment", .length(1...128), at: path)
      self.device = try object.text("device", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("attachment", .string(attachment))
      object.appendNew("device", .string(device))
      return .object(object)
    }
  }
}
