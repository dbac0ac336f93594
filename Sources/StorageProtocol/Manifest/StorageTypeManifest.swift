// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One storage type of a plugin, as its manifest describes it.
public struct StorageTypeManifest: Sendable, Hashable {
  /// The type's name in `storage.cfg`, lower case.
  public var type: String
  /// Name for people; the type when the manifest gives none.
  public var title: String
  public var description: String?
  /// What it can be used as, such as `file`, `block`, `backup`.
  public var roles: [String]
  /// Content types it can hold.
  public var content: [String]
  /// Content types it holds unless configured.
  public var defaultContent: [String]
  /// Volume formats it has.
  public var formats: [String]
  /// The format when none is asked for.
  public var defaultFormat: String
  /// The feature table: feature, then `base`, `current` or `snap`, then formats (`*` for every format).
  public var features: [String: [String: [String]]]
  /// The grammar of its volume names (`directory`, `lvm`, `lvmthin`, `zfspool`, `rbd`); nil when the plugin parses
  /// names itself.
  public var volumeNames: String?
  /// Names beside those of the grammar, tried in their order where the grammar refuses.
  public var volumeNamePatterns: [VolumeNamePattern]
  /// The lock that work on one volume needs: `storage` for backends whose metadata is one piece, as LVM's.
  public var volumeLock: VolumeLock
  /// Whether the storage is the same on all nodes by nature; nil leaves it to the configuration.
  public var isShared: Bool?
  /// Whether volumes are picked among existing ones, not allocated.
  public var selectsExisting: Bool
  /// JSON Schema 2020-12 of its configuration, with `x-fixed`, `x-sensitive`, `x-advanced`.
  public var configSchema: JSON

  /// The lock that work on one volume needs.
  public enum VolumeLock: String, JSONCodable, Sendable, Hashable, CaseIterable {
    case volume
    case storage
  }

  /// Configuration properties by name, as their schemas.
  public var configProperties: JSONObject { configSchema["properties"]?.objectValue ?? [:] }

  /// Configuration properties that must be given.
  public var requiredProperties: Set<String> {
    Set((configSchema["required"]?.arrayValue ?? []).compactMap(\.stringValue))
  }

  /// Configuration properties that are kept apart as secrets.
  public var sensitiveProperties: Set<String> { marked("x-sensitive") }

  /// Configuration properties that can be given only when a storage is added.
  public var fixedProperties: Set<String> { marked("x-fixed") }

  private func marked(_ mark: String) -> Set<String> {
    Set(configProperties.filter { $0.value[mark] == true }.map(\.key))
  }

  /// Whether the feature table lists the feature for a volume of that state (`base`, `current`, `snap`) and format.
  public func hasFeature(_ feature: String, state: String, format: String) -> Bool {
    let formats = features[feature]?[state] ?? []
    return formats.contains("*") || formats.contains(format)
  }
}
