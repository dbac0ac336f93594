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
  /// When it started, in milliseconds since the epoch.
  public var startedMs: Int64
  /// What an administrator should know, one sentence each.
  public var warnings: [String]

  public init(version: String, protocolVersion: String, pid: Int, startedMs: Int64, warnings: [String] = []) {
    self.version = version
    self.protocolVersion = protocolVersion
    self.pid = pid
    self.startedMs = startedMs
    self.warnings = warnings
  }
}
