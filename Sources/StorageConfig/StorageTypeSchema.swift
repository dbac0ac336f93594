// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageRules

/// What a storage type's sections may hold: the plugin's own properties, and how it takes the common options.
public struct StorageTypeSchema: Sendable {
  /// In lower case.
  public let type: String
  /// The plugin's own properties, by name.
  public let properties: [String: PropertyRule]
  /// What such a storage can hold.
  public let contentTypes: Set<ContentType>
  /// What it holds unless configured.
  public let defaultContent: Set<ContentType>
  /// Image formats it can keep.
  public let formats: [VolumeFormat]
  public let defaultFormat: VolumeFormat
  /// Whether its storages are shared by nature.
  public let isAlwaysShared: Bool
  /// Whether properties and formats nobody knows are nobody's fault: no plugin is there to tell.
  let isOpen: Bool

  /// - Parameter configSchema: a JSON Schema (2020-12) of type object; see ``ConfigSchemaReader`` for what it may use.
  /// - Throws: `INVALID_SCHEMA` naming the place in the schema.
  public init(
    type: String, configSchema: JSON, contentTypes: Set<ContentType>, defaultContent: Set<ContentType>,
    formats: [VolumeFormat] = [.raw], defaultFormat: VolumeFormat = .raw, isAlwaysShared: Bool = false
  ) throws(ConfigError) {
    self.type = type
    properties = try ConfigSchemaReader.rules(configSchema, type: type)
    self.contentTypes = contentTypes
    self.defaultContent = defaultContent
    self.formats = formats
    self.defaultFormat = defaultFormat
    self.isAlwaysShared = isAlwaysShared || CommonOptions.alwaysShared.contains(type)
    isOpen = false
  }

  /// A type no plugin is at hand for: only the common options are judged.
  init(unjudged type: String) {
    self.type = type
    properties = [:]
    contentTypes = Set(ContentType.allCases)
    defaultContent = []
    formats = []
    defaultFormat = .raw
    isAlwaysShared = CommonOptions.alwaysShared.contains(type)
    isOpen = true
  }

  /// The rule of a property: the plugin's own first, else the common one.
  public func rule(_ name: String) -> PropertyRule? { properties[name] ?? CommonOptions.rules[name] }

  /// The names of the properties that never enter the configuration file.
  public var sensitiveProperties: Set<String> { Set(properties.values.filter(\.isSensitive).map(\.name)) }
}
