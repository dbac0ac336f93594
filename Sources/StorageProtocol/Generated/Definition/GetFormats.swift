// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Volume formats of one storage.
public enum GetFormats: StorageMethod {
  public static let name = "get_formats"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "Volume formats of one storage.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(2000),
    capability: "definition",
    pveMethod: "get_formats",
    hostDefault: HostDefault(
      .manifest,
      """
      Formats of the storage type; the property `format` of the configuration, when set and valid, is the default.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied,
    ])

  /// Arguments of `get_formats`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject

    public init(storeid: String, scfg: JSONObject) {
      self.storeid = storeid
      self.scfg = scfg
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      return .object(object)
    }
  }

  /// What `get_formats` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Format when none is asked for.
    public var `default`: String
    /// All formats.
    public var valid: [String]

    public init(`default`: String, valid: [String]) {
      self.default = `default`
      self.valid = valid
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.default = try object.text("default", .volumeFormatName, at: path)
      self.valid = try object.texts("valid", .volumeFormatName, upTo: 32, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("default", .string(`default`))
      object.appendNew("valid", valid.json())
      return .object(object)
    }
  }
}
