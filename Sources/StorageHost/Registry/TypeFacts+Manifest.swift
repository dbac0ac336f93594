// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageConfig
internal import StorageProtocol
internal import StorageRules

extension TypeFacts {
  init(_ type: StorageTypeManifest, _ manifest: PluginManifest) {
    self.init(
      plugin: manifest.id, type: type.type, methods: manifest.methods,
      grammar: type.volumeNames.flatMap(VolumeGrammar.init(named:)), namePatterns: type.volumeNamePatterns,
      formats: type.formats,
      defaultFormat: type.defaultFormat, content: type.content, defaultContent: type.defaultContent,
      needsStorageLockForVolumes: type.volumeLock == .storage, features: type.features,
      configSchema: type.configSchema, sensitive: Array(type.sensitiveProperties),
      isSelectExisting: type.selectsExisting,
      turn: manifest.concurrency == .serial ? (manifest.process == .perPlugin ? .plugin : .storage) : nil)
  }
}

extension StorageTypeSchema {
  init(_ type: StorageTypeManifest) throws(ConfigError) {
    try self.init(
      type: type.type, configSchema: type.configSchema,
      contentTypes: Set(type.content.compactMap(ContentType.init(rawValue:))),
      defaultContent: Set(type.defaultContent.compactMap(ContentType.init(rawValue:))),
      formats: type.formats.map(VolumeFormat.init(rawValue:)),
      defaultFormat: VolumeFormat(rawValue: type.defaultFormat), isAlwaysShared: type.isShared ?? false)
  }
}
