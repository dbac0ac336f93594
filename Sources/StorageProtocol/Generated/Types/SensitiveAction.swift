// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What happens to a sensitive property.
public enum SensitiveAction: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// It gets a new value.
  case set
  /// It is removed.
  case delete
}
