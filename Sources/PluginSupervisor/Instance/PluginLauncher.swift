// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import PluginSandbox

/// Starts plugin processes: the sandbox in the daemon, something else where a checker wants to look closer.
public protocol PluginLauncher: Sendable {
  /// Starts one plugin, or throws without having started it.
  func launch(_ plan: LaunchPlan) async throws(SandboxError) -> any PluginProcess

  /// Kills and removes what an earlier run left behind; once, before the first launch.
  func removeLeftovers() async throws(SandboxError)
}

/// A running plugin process with the three pipes to it.
///
/// Descriptors stay the object's own and open until `close()`.
public protocol PluginProcess: AnyObject, Sendable {
  /// For messages only; signals go through the object.
  var pid: Int32 { get }
  /// Becomes readable when the plugin and everything it started is gone.
  var pidfd: Int32 { get }
  var standardInput: Int32 { get }
  var standardOutput: Int32 { get }
  var standardError: Int32 { get }
  /// What it was started with.
  var plan: LaunchPlan { get }
  /// The user id that the plugin's FIFOs must belong to.
  var uid: UInt32 { get }
  /// The layers that confine it.
  var layers: SandboxLayers { get }

  /// Reads the sandbox back from outside; throws when anything differs from the plan.
  func attest() async throws(SandboxError)
  /// Asks the plugin to end (SIGTERM). Never blocks.
  func terminate()
  /// Kills everything and waits until nothing is left, or throws `unreapable`.
  func kill(within deadline: Duration) async throws(SandboxError) -> ExitStatus
  /// The status if the plugin has ended; never waits.
  func exitStatus() -> ExitStatus?
  /// The resource limit it ran into, if any.
  func limitHit() -> LimitHit?
  /// Whether and why it has less of the processor than planned.
  var holdBack: HoldBack? { get }
  /// Has `told` called when it is held back, and with nil when that is over; it must not block.
  func whenHeldBack(_ told: @escaping @Sendable (HoldBack?) -> Void)
  /// Whether the launcher that started it has died since, and may have taken it along. Blocks for a moment.
  func hasLostLauncher() -> Bool
  /// How well it is confined, from what is observed now.
  func score() -> SecurityScore
  /// Closes the descriptors and removes what is left of it. Once, after the exit.
  func close()
}

extension SandboxedProcess: PluginProcess {}

/// The launcher of the daemon: every plugin in its sandbox.
public struct SandboxLauncher: PluginLauncher {
  private let launcher: Launcher

  public init(_ launcher: Launcher) { self.launcher = launcher }

  public func launch(_ plan: LaunchPlan) async throws(SandboxError) -> any PluginProcess {
    try await launcher.launch(plan)
  }

  public func removeLeftovers() async throws(SandboxError) { try await launcher.removeLeftovers() }
}
