// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A kind of volume names that a storage type has beside those of its grammar.
public struct VolumeNamePattern: Sendable, Hashable {
  /// The groups a pattern may have: `vmid` and `basevmid` take guests' numbers, `name` and `basename` names, `format`
  /// one of the type's formats.
  public static let groups: Set<String> = ["vmid", "name", "basename", "basevmid", "format"]
  /// What such a volume may be.
  public static let types: Set<String> = ["images", "iso", "vztmpl", "backup", "snippets", "import"]
  /// Most patterns of one storage type.
  public static let maximumCount = 16

  public var pattern: NamePattern
  /// The volume's type, `images` unless given.
  public var type: String
  /// The format; nil when the group `format` takes it.
  public var format: String?
  /// Whether such volumes are base images.
  public var isBase: Bool
  /// What such a volume is called as a base image; nil: it cannot become one. Gaps: the pattern's groups and `name`.
  public var base: NameTemplate?
  /// What a linked clone of such a base is called; nil leaves it to the grammar. Gaps: ``cloneGaps``.
  public var clone: NameTemplate?

  /// `base` is the base's name, `basevmid` its owner, `vmid` the clone's owner, `disk` its next free name by the grammar.
  public static let cloneGaps: Set<String> = ["base", "basevmid", "vmid", "disk"]

  public init(
    pattern: NamePattern, type: String = "images", format: String?, isBase: Bool = false, base: NameTemplate? = nil,
    clone: NameTemplate? = nil
  ) {
    self.pattern = pattern
    self.type = type
    self.format = format
    self.isBase = isBase
    self.base = base
    self.clone = clone
  }
}
