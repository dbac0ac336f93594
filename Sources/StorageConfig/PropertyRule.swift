// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What a property of a storage type may be: its kind of value, and what may be done with it.
public struct PropertyRule: Sendable {
  public var name: String
  public var kind: PropertyKind
  /// The only values allowed; empty for no such limit.
  public var allowed: [JSON]
  /// Must be there; cannot be deleted.
  public var isRequired: Bool
  /// Can be set when the storage is added, never changed.
  public var isFixed: Bool
  /// Is kept apart from the configuration file, and out of logs and messages.
  public var isSensitive: Bool
  /// Is shown only on request.
  public var isAdvanced: Bool
  /// The value of a storage that does not set it.
  public var defaultValue: JSON?
  /// One sentence for people.
  public var description: String

  public init(
    _ name: String, _ kind: PropertyKind, allowed: [JSON] = [], isRequired: Bool = false, isFixed: Bool = false,
    isSensitive: Bool = false, isAdvanced: Bool = false, defaultValue: JSON? = nil, description: String = ""
  ) {
    self.name = name
    self.kind = kind
    self.allowed = allowed
    self.isRequired = isRequired
    self.isFixed = isFixed
    self.isSensitive = isSensitive
    self.isAdvanced = isAdvanced
    self.defaultValue = defaultValue
    self.description = description
  }
}
