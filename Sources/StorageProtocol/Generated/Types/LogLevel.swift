// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How important a log line is.
public enum LogLevel: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// Every step.
  case trace
  /// For whoever develops the plugin.
  case debug
  /// What happens.
  case info
  /// What happens and matters.
  case notice
  /// May need attention.
  case warning
  /// Something failed.
  case error
  /// The storage is in danger.
  case critical
}
