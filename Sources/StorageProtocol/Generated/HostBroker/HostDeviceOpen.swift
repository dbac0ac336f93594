// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes a granted device node appear in the sandbox.
public enum HostDeviceOpen: StorageMethod {
  public static let name = "host.device.open"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-broker",
    summary: "Makes a granted device node appear in the sandbox.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-broker",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError,
    ])

  /// Arguments of `host.device.open`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Device class of the grant, such as `lvm:vg0`.
    public var `class`: String
    /// Which device of the class.
    public var name: String
    /// Read only or read and write.
    public var access: AccessMode

    public init(parent: Int64, `class`: String, name: String, access: AccessMode) {
      self.parent = parent
      self.class = `class`
      self.name = name
      self.access = access
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.class = try object.text("class", .length(1...64), at: path)
      self.name = try object.text("name", .length(1...256), at: path)
      self.access = try object.required("access", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("parent", .int(parent))
      object.appendNew("class", .string(`class`))
      object.appendNew("name", .string(name))
      object.appendNew("access", access.json())
      return .object(object)
    }
  }

  /// What `host.device.open` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Where it is inside the sandbox.
    public var path: String

    public init(path: String) {
      self.path = path
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.path = try object.text("path", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("path", .string(path))
      return .object(object)
    }
  }
}
