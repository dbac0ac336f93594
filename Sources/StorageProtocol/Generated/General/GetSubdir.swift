// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Directory of a volume type.
public enum GetSubdir: StorageMethod {
  public static let name = "get_subdir"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "Directory of a volume type.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(2000),
    capability: "general",
    pveMethod: "get_subdir",
    hostDefault: HostDefault(
      .rule,
      """
      `scfg.path` and the directory of the type (`content-dirs` first), when the storage has a `path`; else \
      NOT_SUPPORTED.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .notSupported,
    ])

  /// Arguments of `get_subdir`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// The volume type.
    public var vtype: String

    public init(storeid: String, scfg: JSONObject, vtype: String) {
      self.storeid = storeid
      self.scfg = scfg
      self.vtype = vtype
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.vtype = try object.text("vtype", .volumeTypeName, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("vtype", .string(vtype))
      return .object(object)
    }
  }

  /// What `get_subdir` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The directory.
    public var path: String

    public init(path: String) {
      self.path = path
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.path = try object.text("path", .absolutePath, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("path", .string(path))
      return .object(object)
    }
  }
}
