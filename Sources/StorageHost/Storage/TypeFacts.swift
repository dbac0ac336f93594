// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

/// What the host needs of a plugin's manifest for one storage type.
struct TypeFacts: Sendable {
  /// The plugin's id.
  var plugin: String
  var type: String
  /// Methods the plugin implements; for the others the host's defaults stand in.
  var methods: Set<String>
  /// How volumes are named; nil when the plugin parses its names itself.
  var grammar: VolumeGrammar?
  /// Names beside those of the grammar.
  var namePatterns: [VolumeNamePattern]
  var formats: [String]
  var defaultFormat: String
  /// Content types the storage can hold, and those it holds unless configured.
  var content: [String]
  var defaultContent: [String]
  /// Whether work on one volume needs the lock of the whole storage (LVM-like metadata).
  var needsStorageLockForVolumes: Bool
  /// The feature table: feature, then `base`, `current` or `snap`, then formats.
  var features: [String: [String: [String]]]
  var configSchema: JSON
  var sensitive: [String]
  var isSelectExisting: Bool
  /// Which of a plugin's storages share the one call at a time that it can serve; nil when it serves several at once.
  enum Turn: Sendable, Hashable { case storage, plugin }
  var turn: Turn?
}
