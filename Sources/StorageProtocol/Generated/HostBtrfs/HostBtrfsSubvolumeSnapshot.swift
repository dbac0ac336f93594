// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Takes a snapshot of a subvolume.
public enum HostBtrfsSubvolumeSnapshot: StorageMethod {
  public static let name = "host.btrfs.subvolume.snapshot"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-btrfs",
    summary: "Takes a snapshot of a subvolume.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-btrfs",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError, .noSpace, .volumeExists,
    ])

  /// Arguments of `host.btrfs.subvolume.snapshot`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// The subvolume, beneath a granted directory.
    public var path: String
    /// The subvolume, beneath a granted directory.
    public var target: String
    /// Whether it may not be written.
    public var readOnly: Bool?

    public init(parent: Int64, path: String, target: String, readOnly: Bool? = nil) {
      self.parent = parent
      self.path = path
      self.target = target
      self.readOnly = readOnly
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.path = try object.text("path", .absolutePath, at: path)
      self.target = try object.text("target", .absolutePath, at: path)
      self.readOnly = try object.optional("readOnly", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("parent", .int(parent))
      object.appendNew("path", .string(path))
      object.appendNew("target", .string(target))
      if let readOnly { object.appendNew("readOnly", .bool(readOnly)) }
      return .object(object)
    }
  }

  /// What `host.btrfs.subvolume.snapshot` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The snapshot.
    public var subvolume: BtrfsSubvolume

    public init(subvolume: BtrfsSubvolume) {
      self.subvolume = subvolume
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.subvolume = try object.required("subvolume", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("subvolume", subvolume.json())
      return .object(object)
    }
  }
}
