// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a volume name says.
///
/// Pure: depends on nothing but its arguments.
public enum ParseVolname: StorageMethod {
  public static let name = "parse_volname"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "What a volume name says.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(2000),
    capability: "general",
    pveMethod: "parse_volname",
    hostDefault: HostDefault(
      .rule,
      """
      The volume-name grammar named in the manifest: `directory`, `lvm`, `lvmthin`, `zfspool` or `rbd`.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .nameInvalid,
    ])

  /// Arguments of `parse_volname`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The name.
    public var volname: String
    /// The storage.
    public var storeid: String?
    /// Its configuration.
    public var scfg: JSONObject?

    public init(volname: String, storeid: String? = nil, scfg: JSONObject? = nil) {
      self.volname = volname
      self.storeid = storeid
      self.scfg = scfg
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.volname = try object.text("volname", .volumeName, at: path)
      self.storeid = try object.optionalText("storeid", .storageId, at: path)
      self.scfg = try object.optional("scfg", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("volname", .string(volname))
      if let storeid { object.appendNew("storeid", .string(storeid)) }
      if let scfg { object.appendNew("scfg", .object(scfg)) }
      return .object(object)
    }
  }

  /// What `parse_volname` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Its parts.
    public var parts: VolumeNameParts

    public init(parts: VolumeNameParts) {
      self.parts = parts
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parts = try object.required("parts", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("parts", parts.json())
      return .object(object)
    }
  }
}
