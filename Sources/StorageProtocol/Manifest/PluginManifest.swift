// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A plugin's `manifest.json`: everything the host knows about a plugin without running any of its code.
///
/// Reading is strict and complete: every fault is reported with its place (``ManifestError/problems``), members nobody
/// knows are faults (unless they begin with `x-`, or the plugin speaks a newer protocol than this host).
public struct PluginManifest: Sendable, Hashable {
  /// Reverse-DNS id, such as `org.example.fast-array`.
  public var id: String
  /// Name for people.
  public var name: String
  public var vendor: String
  /// The plugin's own version.
  public var version: String
  public var description: String?
  public var homepage: String?
  /// SPDX licence expression.
  public var license: String?
  /// Path of an icon inside the bundle (SVG or PNG).
  public var icon: String?
  /// Path of the program inside the bundle.
  public var executable: String
  /// SHA-256 of the program, 64 lower-case hex digits.
  public var sha256: String
  /// Protocol versions it speaks.
  public var protocolVersions: ProtocolVersionRange
  /// Method profiles it knows, such as `pve-storage: 9..15`.
  public var profiles: [String: ProfileRange]
  /// How many requests it takes at once; `serial` unless it says more.
  public var concurrency: Concurrency
  /// What it does with fencing tokens.
  public var fencing: Fencing
  /// Whether each storage has a process of its own.
  public var process: ProcessModel
  public var storageTypes: [StorageTypeManifest]
  /// Methods it implements; the host's defaults stand in for the others.
  public var methods: Set<String>
  /// What it wants to touch beyond its own directories.
  public var permissions: PermissionRequest
  /// The manifest as it was read.
  public var raw: JSONObject

  /// Whether each storage has a process of its own.
  public enum ProcessModel: String, JSONCodable, Sendable, Hashable, CaseIterable {
    /// One process a storage: one storage's crash or hang reaches no other. The default.
    case perStorage = "per-storage"
    /// One process serves all storages of the plugin.
    case perPlugin = "per-plugin"
  }

  /// Whether the plugin implements the method.
  public func implements(_ method: String) -> Bool { methods.contains(method) }

  /// The storage type of that name; nil when the plugin has none.
  public func storageType(_ name: String) -> StorageTypeManifest? { storageTypes.first { $0.type == name } }
}

extension PluginManifest: JSONEncodable {
  public func json() -> JSON { .object(raw) }
}
