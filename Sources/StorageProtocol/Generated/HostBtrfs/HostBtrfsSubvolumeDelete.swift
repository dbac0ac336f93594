// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Removes a subvolume; one that does not exist is success.
public enum HostBtrfsSubvolumeDelete: StorageMethod {
  public static let name = "host.btrfs.subvolume.delete"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-btrfs",
    summary: "Removes a subvolume; one that does not exist is success.",
    mutating: true,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-btrfs",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .backendError,
      .volumeBusy,
    ])

  /// Arguments of `host.btrfs.subvolume.delete`.
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

  /// What `host.btrfs.subvolume.delete` answers.
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
