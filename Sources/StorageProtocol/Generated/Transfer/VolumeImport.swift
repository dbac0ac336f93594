// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Makes a volume from a stream.
///
/// The name was reserved under the storage lock; the data moves under the volume's lock only. The plugin reads to the
/// end, makes the volume durable, then answers. The volume exists completely or not at all: an early end (the size
/// header tells) is STREAM_BROKEN, outcome rolled_back. When the host finds count or digest to differ it calls
/// `free_image`.
public enum VolumeImport: StorageMethod {
  public static let name = "volume_import"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "transfer",
    summary: "Makes a volume from a stream.",
    mutating: true,
    idempotent: false,
    lock: .volume,
    defaultTimeout: .milliseconds(86_400_000),
    longRunning: true,
    stream: .import,
    capability: "import",
    pveMethod: "volume_import",
    hostDefault: HostDefault(.none, "FORMAT_UNSUPPORTED"),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly, .noSpace, .quotaExceeded, .streamBroken, .formatUnsupported, .corrupt, .nameInvalid,
      .volumeExists, .snapshotNotFound, .notSupported,
    ])

  /// Arguments of `volume_import`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The new volume, name chosen and reserved by the host.
    public var volname: String
    /// Format of the stream.
    public var format: String
    /// Snapshot the stream carries.
    public var snapname: String?
    /// Snapshot of the existing volume the stream builds on.
    public var baseSnapshot: String?
    /// Send the snapshots before it too.
    public var withSnapshots: Bool?
    /// With `withSnapshots`: which, oldest first; all when absent.
    public var snapshots: [String]?
    /// Where the bytes come from.
    public var stream: StreamRef
    /// Checksum the answer must carry; none when absent.
    public var digest: WireDigestAlgorithm?

    public init(
      storeid: String, scfg: JSONObject, volname: String, format: String, stream: StreamRef, snapname: String? = nil,
      baseSnapshot: String? = nil, withSnapshots: Bool? = nil, snapshots: [String]? = nil,
      digest: WireDigestAlgorithm? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
      self.format = format
      self.snapname = snapname
      self.baseSnapshot = baseSnapshot
      self.withSnapshots = withSnapshots
      self.snapshots = snapshots
      self.stream = stream
      self.digest = digest
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.format = try object.text("format", .streamFormatName, at: path)
      self.snapname = try object.optionalText("snapname", .snapshotName, at: path)
      self.baseSnapshot = try object.optionalText("baseSnapshot", .snapshotName, at: path)
      self.withSnapshots = try object.optional("withSnapshots", at: path)
      self.snapshots = try object.optionalTexts("snapshots", .snapshotName, upTo: 10_000, at: path)
      self.stream = try object.required("stream", at: path)
      self.digest = try object.optional("digest", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(10)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      object.appendNew("format", .string(format))
      if let snapname { object.appendNew("snapname", .string(snapname)) }
      if let baseSnapshot { object.appendNew("baseSnapshot", .string(baseSnapshot)) }
      if let withSnapshots { object.appendNew("withSnapshots", .bool(withSnapshots)) }
      if let snapshots { object.appendNew("snapshots", snapshots.json()) }
      object.appendNew("stream", stream.json())
      if let digest { object.appendNew("digest", digest.json()) }
      return .object(object)
    }
  }

  /// What `volume_import` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The volume; must be the name asked for.
    public var volname: String
    /// Bytes that went through the stream, the header included.
    public var bytes: ByteCount
    /// Checksum over them, when asked for.
    public var digest: WireDigest?

    public init(volname: String, bytes: ByteCount, digest: WireDigest? = nil) {
      self.volname = volname
      self.bytes = bytes
      self.digest = digest
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.bytes = try object.integer("bytes", 0...Int64.max, at: path)
      self.digest = try object.optional("digest", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("volname", .string(volname))
      object.appendNew("bytes", .int(bytes))
      if let digest { object.appendNew("digest", digest.json()) }
      return .object(object)
    }
  }
}
