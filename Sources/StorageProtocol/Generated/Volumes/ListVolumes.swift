// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Lists volumes of all kinds.
///
/// Whether a container volume is `rootdir` or `images` is decided by the host, which knows the guests; the plugin gives
/// what it knows.
public enum ListVolumes: StorageMethod {
  public static let name = "list_volumes"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Lists volumes of all kinds.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(30_000),
    capability: "volumes",
    pveMethod: "list_volumes",
    hostDefault: HostDefault(
      .method,
      """
      `list_images`, as content `images`; then, with grammar `directory` and a `path`, the files of the storage's \
      other content types, with notes and protection of backups.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .cursorInvalid, .corrupt,
    ])

  /// Arguments of `list_volumes`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// Only this owner's.
    public var vmid: Int?
    /// Only these content types; all when absent.
    public var content: [String]?
    /// Where to go on; absent for the first page.
    public var cursor: String?
    /// Most entries wanted.
    public var limit: Int?

    public init(
      storeid: String, scfg: JSONObject, vmid: Int? = nil, content: [String]? = nil, cursor: String? = nil,
      limit: Int? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.vmid = vmid
      self.content = content
      self.cursor = cursor
      self.limit = limit
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.vmid = try object.optionalInteger("vmid", 1...999_999_999, at: path)
      self.content = try object.optionalTexts("content", .contentTypeName, upTo: 32, at: path)
      self.cursor = try object.optionalText("cursor", .cursor, at: path)
      self.limit = try object.optionalInteger("limit", 1...10_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      if let vmid { object.appendNew("vmid", .int(Int64(vmid))) }
      if let content { object.appendNew("content", content.json()) }
      if let cursor { object.appendNew("cursor", .string(cursor)) }
      if let limit { object.appendNew("limit", .int(Int64(limit))) }
      return .object(object)
    }
  }

  /// What `list_volumes` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The entries, in an order that is the same on every call.
    public var volumes: [ListedVolume]
    /// Present when there is more.
    public var nextCursor: String?

    public init(volumes: [ListedVolume], nextCursor: String? = nil) {
      self.volumes = volumes
      self.nextCursor = nextCursor
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.volumes = try object.list("volumes", upTo: 10_000, at: path)
      self.nextCursor = try object.optionalText("nextCursor", .cursor, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("volumes", volumes.json())
      if let nextCursor { object.appendNew("nextCursor", .string(nextCursor)) }
      return .object(object)
    }
  }
}
