// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Starts confined plugins through the `berth-launcher` program.
public actor Launcher {
  /// How the launcher is reached.
  public enum Transport: Sendable, Hashable {
    /// Run this program once for every plugin.
    case program(path: String)
    /// Talk to the long-lived launcher server on this socket.
    case server(socket: String)
  }

  public nonisolated let transport: Transport

  public init(transport: Transport) { self.transport = transport }

  /// Finds the program beside the running executable, or where `BERTH_LAUNCHER` says (development only).
  public static func defaultProgram() throws(SandboxError) -> String {
    throw SandboxError(.launcherUnavailable, "berth-launcher was not found")
  }

  /// Starts one plugin with every layer in force, or throws without having started it.
  public func launch(_ plan: LaunchPlan) async throws(SandboxError) -> SandboxedProcess {
    throw SandboxError(.launcherUnavailable, "not built yet")
  }

  /// Kills what an earlier daemon left behind (crash) and removes its cgroups; to be called once at start.
  public func removeLeftovers() async throws(SandboxError) {}
}
