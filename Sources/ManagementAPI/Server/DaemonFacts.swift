// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What the daemon knows of itself, for `/version` and `/health`.
public struct DaemonFacts: Sendable, Hashable {
  /// Its version.
  public var version: String
  /// The plugin protocol version it speaks.
  public var protocolVersion: String
  /// Its process id.
  public var pid: Int
  /// When it started.
  public var started: ContinuousClock.Instant
  /// What an administrator should know, one sentence each.
  public var warnings: [String]

  public init(
    version: String, protocolVersion: String, pid: Int, started: ContinuousClock.Instant, warnings: [String] = []
  ) {
    self.version = version
    self.protocolVersion = protocolVersion
    self.pid = pid
    self.started = started
    self.warnings = warnings
  }
}
