// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What can be asked of a volume.
/// Open: a later version or a plugin may add values.
public struct VolumeFeature: RawRepresentable, JSONCodable, Sendable, Hashable {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// Make a linked clone.
  public static let clone = VolumeFeature(rawValue: "clone")
  /// Make a full copy.
  public static let copy = VolumeFeature(rawValue: "copy")
  /// Send snapshots to another node.
  public static let replicate = VolumeFeature(rawValue: "replicate")
  /// Take snapshots.
  public static let snapshot = VolumeFeature(rawValue: "snapshot")
  /// New volumes read as zeros.
  public static let sparseinit = VolumeFeature(rawValue: "sparseinit")
  /// Become a base.
  public static let template = VolumeFeature(rawValue: "template")
  /// Change owner or name.
  public static let rename = VolumeFeature(rawValue: "rename")
}
