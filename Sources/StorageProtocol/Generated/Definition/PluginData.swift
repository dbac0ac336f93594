// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a storage type can hold.
///
/// Answered by the host from the manifest; never sent to a plugin.
public enum PluginData: StorageMethod {
  public static let name = "plugindata"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "definition",
    summary: "What a storage type can hold.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(1000),
    capability: "definition",
    onWire: false,
    pveMethod: "plugindata",
    hostDefault: HostDefault(.manifest, "From the storage type in the manifest."),
    errors: [])

  /// Arguments of `plugindata`.
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

  /// What `plugindata` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Content types it can hold.
    public var content: [String]
    /// Those it holds unless configured.
    public var defaultContent: [String]
    /// Volume formats.
    public var formats: [String]
    /// Format when none is asked for.
    public var defaultFormat: String
    /// Features of the type.
    public var features: [String]
    /// Properties kept apart from the configuration.
    public var sensitiveProperties: [String]
    /// Volumes are picked, not allocated.
    public var selectExisting: Bool

    public init(
      content: [String], defaultContent: [String], formats: [String], defaultFormat: String, features: [String],
      sensitiveProperties: [String], selectExisting: Bool
    ) {
      self.content = content
      self.defaultContent = defaultContent
      self.formats = formats
      self.defaultFormat = defaultFormat
      self.features = features
      self.sensitiveProperties = sensitiveProperties
      self.selectExisting = selectExisting
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.content = try object.texts("content", .contentTypeName, upTo: 32, at: path)
      self.defaultContent = try object.texts("defaultContent", .contentTypeName, upTo: 32, at: path)
      self.formats = try object.texts("formats", .volumeFormatName, upTo: 32, at: path)
      self.defaultFormat = try object.text("defaultFormat", .volumeFormatName, at: path)
      self.features = try object.texts("features", .length(0...64), upTo: 64, at: path)
      self.sensitiveProperties = try object.texts("sensitiveProperties", .length(0...128), upTo: 256, at: path)
      self.selectExisting = try object.required("selectExisting", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(7)
      object.appendNew("content", content.json())
      object.appendNew("defaultContent", defaultContent.json())
      object.appendNew("formats", formats.json())
      object.appendNew("defaultFormat", .string(defaultFormat))
      object.appendNew("features", features.json())
      object.appendNew("sensitiveProperties", sensitiveProperties.json())
      object.appendNew("selectExisting", .bool(selectExisting))
      return .object(object)
    }
  }
}
