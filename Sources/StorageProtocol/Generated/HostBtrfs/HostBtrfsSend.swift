// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Sends read-only subvolumes as the stream of the `volume_export` that it serves.
///
/// The host writes to the stream itself: the plugin does not open it, and answers `volume_export` with what comes back
/// here. Several subvolumes travel as one stream, each as what changed since the one before it.
public enum HostBtrfsSend: StorageMethod {
  public static let name = "host.btrfs.send"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-btrfs",
    summary: "Sends read-only subvolumes as the stream of the `volume_export` that it serves.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(86_400_000),
    longRunning: true,
    capability: "host-btrfs",
    errors: [
      .invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded, .volumeNotFound,
      .backendError, .streamBroken,
    ])

  /// Arguments of `host.btrfs.send`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64
    /// Read-only subvolumes beneath a granted directory, oldest first.
    public var paths: [String]
    /// Read-only subvolume that the receiver has: only what changed since is sent.
    public var base: String?

    public init(parent: Int64, paths: [String], base: String? = nil) {
      self.parent = parent
      self.paths = paths
      self.base = base
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
      self.paths = try object.texts("paths", .absolutePath, upTo: 64, at: path)
      self.base = try object.optionalText("base", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("parent", .int(parent))
      object.appendNew("paths", paths.json())
      if let base { object.appendNew("base", .string(base)) }
      return .object(object)
    }
  }

  /// What `host.btrfs.send` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Bytes that went through the stream.
    public var bytes: ByteCount
    /// Checksum over them, when the export was asked for one.
    public var digest: WireDigest?

    public init(bytes: ByteCount, digest: WireDigest? = nil) {
      self.bytes = bytes
      self.digest = digest
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.bytes = try object.integer("bytes", 0...Int64.max, at: path)
      self.digest = try object.optional("digest", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("bytes", .int(bytes))
      if let digest { object.appendNew("digest", digest.json()) }
      return .object(object)
    }
  }
}
