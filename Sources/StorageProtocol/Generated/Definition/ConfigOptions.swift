// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Which configuration properties are required or fixed.
///
/// Answered by the host from the manifest; never sent to a plugin.
public enum ConfigOptions: StorageMethod {
  public static let name = "options"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "Which configuration properties are required or fixed.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(1000),
    capability: "definition",
    onWire: false,
    pveMethod: "options",
    hostDefault: HostDefault(.manifest, "From `required` and `x-fixed` of the config schema."),
    errors: [])

  /// Arguments of `options`.
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

  /// What `options` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// By property.
    public var options: [String: PropertyOption]

    public init(options: [String: PropertyOption]) {
      self.options = options
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.options = try object.required("options", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("options", options.json())
      return .object(object)
    }
  }
}
