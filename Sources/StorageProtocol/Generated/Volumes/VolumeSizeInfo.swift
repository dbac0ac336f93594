// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Size and format of a volume.
///
/// Also how the host finds out whether a volume exists after a lost answer: VOLUME_NOT_FOUND must be certain.
public enum VolumeSizeInfo: StorageMethod {
  public static let name = "volume_size_info"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Size and format of a volume.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "volumes",
    required: true,
    pveMethod: "volume_size_info",
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .nameInvalid, .volumeNotFound, .notSupported, .corrupt,
    ])

  /// Arguments of `volume_size_info`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume.
    public var volname: String

    public init(storeid: String, scfg: JSONObject, volname: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.volname = volname
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("volname", .string(volname))
      return .object(object)
    }
  }

  /// What `volume_size_info` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Virtual size in bytes.
    public var size: ByteCount
    /// Its format.
    public var format: String
    /// Bytes it takes.
    public var used: ByteCount?
    /// Base of a linked clone.
    public var parent: String?
    /// When it was made.
    public var ctime: Int64?

    public init(size: ByteCount, format: String, used: ByteCount? = nil, parent: String? = nil, ctime: Int64? = nil) {
      self.size = size
      self.format = format
      self.used = used
      self.parent = parent
      self.ctime = ctime
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.size = try object.integer("size", 0...Int64.max, at: path)
      self.format = try object.text("format", .volumeFormatName, at: path)
      self.used = try object.optionalInteger("used", 0...Int64.max, at: path)
      self.parent = try object.optionalText("parent", .volumeName, at: path)
      self.ctime = try object.optionalInteger("ctime", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(5)
      object.appendNew("size", .int(size))
      object.appendNew("format", .string(format))
      if let used { object.appendNew("used", .int(used)) }
      if let parent { object.appendNew("parent", .string(parent)) }
      if let ctime { object.appendNew("ctime", .int(ctime)) }
      return .object(object)
    }
  }
}
