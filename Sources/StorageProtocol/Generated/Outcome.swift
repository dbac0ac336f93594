// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What state a failure left behind.
public enum Outcome: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// Nothing was changed.
  case notStarted = "not_started"
  /// Something was changed and undone: the state is as before.
  case rolledBack = "rolled_back"
  /// Some of it was done and remains; `hint` says what to do.
  case partial
  /// All of it was done though an error is reported.
  case completed
  /// Whoever answers cannot tell; the host asks the storage.
  case unknown
}
