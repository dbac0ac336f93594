// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The registry of all storage types and their properties.
///
/// Answered by the host from the manifest; never sent to a plugin.
public enum TypeRegistry: StorageMethod {
  public static let name = "private"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "The registry of all storage types and their properties.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(1000),
    capability: "definition",
    onWire: false,
    pveMethod: "private",
    hostDefault: HostDefault(.manifest, "From all manifests together; a question to the host, not to a plugin."),
    errors: [])

  /// Arguments of `private`.
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

  /// What `private` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Config schema by storage type.
    public var types: JSONObject

    public init(types: JSONObject) {
      self.types = types
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.types = try object.required("types", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("types", .object(types))
      return .object(object)
    }
  }
}
