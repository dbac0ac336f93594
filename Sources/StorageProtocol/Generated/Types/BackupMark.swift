// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What retention decides about a backup.
public enum BackupMark: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// It stays.
  case keep
  /// It goes.
  case remove
  /// It stays because it is protected; not counted.
  case protected
  /// Its name is not the standard one: not touched, not counted.
  case renamed
}
