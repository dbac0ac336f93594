// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The backup provider of the storage.
///
/// Opens profile `backup`, which a later version specifies. Reserved: never sent in this version.
public enum NewBackupProvider: StorageMethod {
  public static let name = "new_backup_provider"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "The backup provider of the storage.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "backup-provider",
    onWire: false,
    pveMethod: "new_backup_provider",
    hostDefault: HostDefault(.constant, "NOT_SUPPORTED"),
    errors: [.notSupported])

  /// Arguments of `new_backup_provider`.
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

  /// What `new_backup_provider` answers.
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
