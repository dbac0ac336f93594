// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes read-only subvolumes of the stream of the `volume_import` that it serves.
///
/// The host reads the stream itself: the plugin does not open it, and answers `volume_import` with count and digest
/// from here. The subvolumes appear whole when the stream was whole, or not at all. What they hold belongs to the owner
/// of the directory or to container ids (100000 to 599999); a stream with other owners, device nodes or file
/// capabilities is refused. The grant's limit `maxBytes` bounds the stream.
public enum HostBtrfsReceive: StorageMethod {
  public static let name = "host.btrfs.receive"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-btrfs",
    summary: "Makes read-only subvolumes of the stream of the `volume_import` that it serves.",
    mutating: true,
    idempotent: false,
    lock: .none,
    defaultTimeout: .milliseconds(86_400_000),
    longRunning: true,
    capability: "host-btrfs",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError, .noSpace, .volumeExists, .streamBroken,
    ])

  /// Arguments of `host.btrfs.receive`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// The new subvolume, beneath a granted directory.
    public var path: String
    /// Read-only subvolume beside it that the stream builds on; no other is found.
    public var base: String?
    /// Several may come: each is made as `path@NAME`, NAME being what the sender's own name has behind its last `@`.
    public var snapshots: Bool?

    public init(parent: Int64, path: String, base: String? = nil, snapshots: Bool? = nil) {
      self.parent = parent
      self.path = path
      self.base = base
      self.snapshots = snapshots
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.path = try object.text("path", .absolutePath, at: path)
      self.base = try object.optionalText("base", .absolutePath, at: path)
      self.snapshots = try object.optional("snapshots", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(4)
      object.appendNew("parent", .int(parent))
      object.appendNew("path", .string(path))
      if let base { object.appendNew("base", .string(base)) }
      if let snapshots { object.appendNew("snapshots", .bool(snapshots)) }
      return .object(object)
    }
  }

  /// What `host.btrfs.receive` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// What was made, in the order of the stream.
    public var subvolumes: [BtrfsSubvolume]
    /// Bytes that went through the stream.
    public var bytes: ByteCount
    /// Checksum over them, when the import was asked for one.
    public var digest: WireDigest?

    public init(subvolumes: [BtrfsSubvolume], bytes: ByteCount, digest: WireDigest? = nil) {
      self.subvolumes = subvolumes
      self.bytes = bytes
      self.digest = digest
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.subvolumes = try object.list("subvolumes", upTo: 256, at: path)
      self.bytes = try object.integer("bytes", 0...Int64.max, at: path)
      self.digest = try object.optional("digest", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("subvolumes", subvolumes.json())
      object.appendNew("bytes", .int(bytes))
      if let digest { object.appendNew("digest", digest.json()) }
      return .object(object)
    }
  }
}
