// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The version of the method profile the plugin was written for.
///
/// Answered by the host from the manifest; never sent to a plugin.
public enum ProfileVersion: StorageMethod {
  public static let name = "api"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "The version of the method profile the plugin was written for.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(1000),
    capability: "definition",
    onWire: false,
    pveMethod: "api",
    hostDefault: HostDefault(.manifest, "From `profiles` in the manifest."),
    errors: [])

  /// Arguments of `api`.
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

  /// What `api` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Highest version of profile `pve-storage` in the manifest.
    public var version: Int
    /// How many versions before it are served too.
    public var age: Int

    public init(version: Int, age: Int) {
      self.version = version
      self.age = age
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.version = try object.integer("version", 1...100_000, at: path)
      self.age = try object.integer("age", 0...100_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("version", .int(Int64(version)))
      object.appendNew("age", .int(Int64(age)))
      return .object(object)
    }
  }
}
