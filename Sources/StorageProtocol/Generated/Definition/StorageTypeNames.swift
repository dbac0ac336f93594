// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The storage types the plugin serves.
///
/// Answered by the host from the manifest; never sent to a plugin.
public enum StorageTypeNames: StorageMethod {
  public static let name = "type"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "The storage types the plugin serves.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(1000),
    capability: "definition",
    onWire: false,
    pveMethod: "type",
    hostDefault: HostDefault(.manifest, "From `storageTypes[].type` in the manifest."),
    errors: [])

  /// Arguments of `type`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage type.
    public var type: String

    public init(type: String) {
      self.type = type
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.type = try object.text("type", .length(1...64), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("type", .string(type))
      return .object(object)
    }
  }

  /// What `type` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Type names.
    public var types: [String]

    public init(types: [String]) {
      self.types = types
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.types = try object.texts("types", .length(1...64), upTo: 64, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("types", types.json())
      return .object(object)
    }
  }
}
