// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes a block device of a regular file in a granted directory.
public enum HostLoopAttach: StorageMethod {
  public static let name = "host.loop.attach"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-broker",
    summary: "Makes a block device of a regular file in a granted directory.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-broker",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError,
    ])

  /// Arguments of `host.loop.attach`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// The file: regular, one link, beneath a granted directory.
    public var path: String
    /// `rw` when absent.
    public var access: AccessMode?
    /// Where to begin.
    public var offset: ByteCount?
    /// Where to end; the end of the file when absent.
    public var sizeLimit: ByteCount?

    public init(
      parent: Int64, path: String, access: AccessMode? = nil, offset: ByteCount? = nil, sizeLimit: ByteCount? = nil
    ) {
      self.parent = parent
      self.path = path
      self.access = access
      self.offset = offset
      self.sizeLimit = sizeLimit
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.path = try object.text("path", .absolutePath, at: path)
      self.access = try object.optional("access", at: path)
      self.offset = try object.optionalInteger("offset", 0...Int64.max, at: path)
      self.sizeLimit = try object.optionalInteger("sizeLimit", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("parent", .int(parent))
      object.appendNew("path", .string(path))
      if let access { object.appendNew("access", access.json()) }
      if let offset { object.appendNew("offset", .int(offset)) }
      if let sizeLimit { object.appendNew("sizeLimit", .int(sizeLimit)) }
      return .object(object)
    }
  }

  /// What `host.loop.attach` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Handle.
    public var loop: String
    /// Device node on the host.
    public var device: String

    public init(loop: String, device: String) {
      self.loop = loop
      self.device = device
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.loop = try object.text("loop", .length(1...128), at: path)
      self.device = try object.text("device", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("loop", .string(loop))
      object.appendNew("device", .string(device))
      return .object(object)
    }
  }
}
