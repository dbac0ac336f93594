// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a lock covers.
public enum LockScope: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// No lock.
  case none
  /// Work on one volume.
  case volume
  /// The storage's namespace.
  case storage
  /// The storage's configuration.
  case config
}
