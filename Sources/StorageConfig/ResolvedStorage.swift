// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageRules

/// A storage that can be used: its section, checked and typed, defaults applied.
public struct ResolvedStorage: Sendable, Hashable {
  public let id: String
  public let type: String
  /// What a plugin gets as `scfg`: typed values, `type` among them, `content` and `nodes` as arrays. Nothing sensitive.
  public let config: JSONObject
  /// What it may hold. Never empty unless the type can hold nothing.
  public let content: Set<ContentType>
  /// The nodes that have it; `nil` for all.
  public let nodes: Set<String>?
  public let isDisabled: Bool
  public let isShared: Bool
  /// The format of new images.
  public let format: VolumeFormat
  /// Formats an image may have.
  public let formats: [VolumeFormat]
  /// Which backups are kept; `nil` when nothing is set.
  public let retention: Retention?
  /// Protected backups per guest: `nil` when nothing is set, -1 for any number.
  public let maxProtectedBackups: Int?
  public let bandwidth: BandwidthLimits
  /// Doubtful things that do not keep it from being used.
  public let warnings: [ConfigProblem]

  /// The directory of a storage that keeps files.
  public var path: String? { config["path"]?.stringValue }

  /// Whether a node may use it.
  public func isAvailable(on node: String) -> Bool { !isDisabled && nodes?.contains(node) ?? true }

  /// Whether a volume of this type may be on it: images also where only containers may be.
  public func allows(_ type: VolumeType) -> Bool {
    content.contains(type.contentType) || (type == .images && content.contains(.rootdir))
  }

  /// The absolute directory of a kind of content; `nil` for a storage without a path.
  public func directory(of type: ContentType) -> String? {
    guard let path, let usual = type.defaultSubdirectory else { return nil }
    let configured = config["content-dirs"]?[type.rawValue]?.stringValue
    return "\(path)/\(configured ?? usual)"
  }
}
