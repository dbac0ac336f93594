// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How many requests a plugin takes at once.
public enum Concurrency: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// One.
  case serial
  /// One per volume, and one that names no volume.
  case perVolume = "per-volume"
  /// Any number up to `maxInFlight`.
  case parallel
}
