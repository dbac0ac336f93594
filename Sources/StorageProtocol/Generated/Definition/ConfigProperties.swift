// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The configuration properties of a storage type.
///
/// Answered by the host from the manifest; never sent to a plugin. Property names belong to their storage type: two
/// plugins may use one name.
public enum ConfigProperties: StorageMethod {
  public static let name = "properties"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "The configuration properties of a storage type.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(1000),
    capability: "definition",
    onWire: false,
    pveMethod: "properties",
    hostDefault: HostDefault(.manifest, "From `configSchema.properties` of the storage type."),
    errors: [])

  /// Arguments of `properties`.
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

  /// What `properties` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// JSON Schema of each property.
    public var properties: JSONObject

    public init(properties: JSONObject) {
      self.properties = properties
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.properties = try object.required("properties", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("properties", .object(properties))
      return .object(object)
    }
  }
}
