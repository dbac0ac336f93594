// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Mounts a file system where the host chooses.
///
/// nosuid, nodev, noexec always. The source must lie within the grant.
public enum HostMount: StorageMethod {
  public static let name = "host.mount"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-broker",
    summary: "Mounts a file system where the host chooses.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(60_000),
    capability: "host-broker",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .storageUnavailable,
      .authFailed, .backendError,
    ])

  /// Arguments of `host.mount`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// What.
    public var kind: MountKind
    /// What is mounted: `server:/export`, `//server/share`, a granted path or a device handle.
    public var source: String
    /// Mount options; only those on the kind's list.
    public var options: [String: String]?
    /// Sensitive property that holds the credentials.
    public var secret: String?
    /// `rw` when absent.
    public var access: AccessMode?

    public init(
      parent: Int64, kind: MountKind, source: String, options: [String: String]? = nil, secret: String? = nil,
      access: AccessMode? = nil
    ) {
      self.parent = parent
      self.kind = kind
      self.source = source
      self.options = options
      self.secret = secret
      self.access = access
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.kind = try object.required("kind", at: path)
      self.source = try object.text("source", .length(1...4096), at: path)
      self.options = try object.optionalTextMap("options", .length(0...256), at: path)
      self.secret = try object.optionalText("secret", .length(0...128), at: path)
      self.access = try object.optional("access", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("parent", .int(parent))
      object.appendNew("kind", kind.json())
      object.appendNew("source", .string(source))
      if let options { object.appendNew("options", options.json()) }
      if let secret { object.appendNew("secret", .string(secret)) }
      if let access { object.appendNew("access", access.json()) }
      return .object(object)
    }
  }

  /// What `host.mount` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Handle.
    public var mount: String
    /// Where it is, inside and outside the sandbox.
    public var path: String

    public init(mount: String, path: String) {
      self.mount = mount
      self.path = path
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.mount = try object.text("mount", .length(1...128), at: path)
      self.path = try object.text("path", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("mount", .string(mount))
      object.appendNew("path", .string(path))
      return .object(object)
    }
  }
}
