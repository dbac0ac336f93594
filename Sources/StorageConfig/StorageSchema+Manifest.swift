// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol
internal import StorageRules

extension StorageTypeSchema {
  /// A storage type as its plugin's manifest describes it.
  ///
  /// Content types this host does not know are left out: nothing here could hold them.
  /// - Throws: `INVALID_SCHEMA`.
  public init(manifest: StorageTypeManifest) throws(ConfigError) {
    try self.init(
      type: manifest.type, configSchema: manifest.configSchema,
      contentTypes: Set(manifest.content.compactMap(ContentType.init(rawValue:))),
      defaultContent: Set(manifest.defaultContent.compactMap(ContentType.init(rawValue:))),
      formats: manifest.formats.map(VolumeFormat.init(rawValue:)),
      defaultFormat: VolumeFormat(rawValue: manifest.defaultFormat), isAlwaysShared: manifest.isShared ?? false)
  }
}

extension StorageSchema {
  /// All types of several plugins. Of a type that two plugins serve, or whose schema cannot be used, no storage works;
  /// the others are not touched.
  ///
  /// - Returns: the schema, and what is wrong with which type.
  public static func reading(_ manifests: [PluginManifest]) -> (schema: StorageSchema, problems: [ConfigError]) {
    var types: [StorageTypeSchema] = []
    var problems: [ConfigError] = []
    let servers = Dictionary(grouping: manifests.flatMap { plugin in plugin.storageTypes.map { ($0.type, plugin.id) } })
    {
      $0.0
    }
    for type in manifests.flatMap(\.storageTypes) {
      let plugins = (servers[type.type] ?? []).map(\.1)
      do throws(ConfigError) {
        guard plugins.count == 1 else {
          throw ConfigError(
            .invalidSchema,
            "the type \(quoted(type.type)) is served by several plugins: "
              + plugins.sorted().joined(separator: ", "), hint: "remove all but one")
        }
        types.append(try StorageTypeSchema(manifest: type))
      } catch {
        if !problems.contains(error) { problems.append(error) }
      }
    }
    return (StorageSchema(types), problems)
  }
}
