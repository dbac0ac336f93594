// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A property of a volume beside its data.
/// Open: a later version or a plugin may add values.
public struct VolumeAttribute: RawRepresentable, JSONCodable, Sendable, Hashable {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// Free text (string).
  public static let notes = VolumeAttribute(rawValue: "notes")
  /// Must not be removed (boolean).
  public static let protected = VolumeAttribute(rawValue: "protected")
}
