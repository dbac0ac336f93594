// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Read only or read and write.
public enum AccessMode: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// Read only.
  case ro
  /// Read and write.
  case rw
}
