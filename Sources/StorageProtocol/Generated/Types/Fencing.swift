// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a plugin does with fencing tokens.
public enum Fencing: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// Nothing: the host's kill-before-release is the only protection.
  case none
  /// Remembers the highest token of each lock while it runs and refuses lower ones.
  case session
  /// Compares and stores tokens in the backend, so that other nodes' stale writers fail too.
  case backend
}
