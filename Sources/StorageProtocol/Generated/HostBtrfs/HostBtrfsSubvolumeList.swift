// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Subvolumes beneath a granted directory.
public enum HostBtrfsSubvolumeList: StorageMethod {
  public static let name = "host.btrfs.subvolume.list"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-btrfs",
    summary: "Subvolumes beneath a granted directory.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-btrfs",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError,
    ])

  /// Arguments of `host.btrfs.subvolume.list`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// The subvolume, beneath a granted directory.
    public var path: String

    public init(parent: Int64, path: String) {
      self.parent = parent
      self.path = path
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.path = try object.text("path", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("parent", .int(parent))
      object.appendNew("path", .string(path))
      return .object(object)
    }
  }

  /// What `host.btrfs.subvolume.list` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The subvolumes.
    public var subvolumes: [BtrfsSubvolume]

    public init(subvolumes: [BtrfsSubvolume]) {
      self.subvolumes = subvolumes
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.subvolumes = try object.list("subvolumes", upTo: 100_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("subvolumes", subvolumes.json())
      return .object(object)
    }
  }
}
