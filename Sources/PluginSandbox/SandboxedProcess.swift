// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A running plugin inside its sandbox, as its supervisor holds it.
///
/// The object owns its descriptors; they are closed when it is released or by ``close()``.
public final class SandboxedProcess: Sendable {
  /// Names the instance, as in the plan.
  public let instance: String
  /// The sandbox's first process (pid 1 inside), in the host's numbering. For messages; signals go through the object.
  public let pid: Int32
  /// Becomes readable when the whole sandbox is gone.
  public let pidfd: Int32
  /// The host's ends of three fresh pipes: write to `standardInput`, read the other two. Non-blocking.
  public let standardInput: Int32
  public let standardOutput: Int32
  public let standardError: Int32
  /// The user id on the host that the plugin runs as; stream FIFOs must belong to it.
  public let uid: UInt32
  public let mode: LaunchPlan.Mode
  /// The layers the launcher put in force.
  public let layers: SandboxLayers

  init(
    instance: String, pid: Int32, pidfd: Int32, standardInput: Int32, standardOutput: Int32, standardError: Int32,
    uid: UInt32, mode: LaunchPlan.Mode, layers: SandboxLayers
  ) {
    self.instance = instance
    self.pid = pid
    self.pidfd = pidfd
    self.standardInput = standardInput
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.uid = uid
    self.mode = mode
    self.layers = layers
  }

  /// Asks the plugin (not its children) to end, as `kill -TERM` would. Never blocks.
  public func terminate() {}

  /// Kills the plugin and everything it started, and waits until nothing is left.
  ///
  /// - Throws: ``SandboxError/Code/unreapable`` when something survives until the deadline.
  public func kill(within deadline: Duration = .seconds(5)) async throws(SandboxError) -> ExitStatus { .killed }

  /// Waits until the sandbox is gone and tells how the plugin ended.
  public func waitForExit() async -> ExitStatus { .killed }

  /// The status if the plugin has ended, without waiting. Call it when `pidfd` turns readable.
  public func exitStatus() -> ExitStatus? { nil }

  /// The resource limit that this instance has run into, if any. Read it after the exit and before ``close()``.
  public func limitHit() -> LimitHit? { nil }

  /// Reads the sandbox back from outside and refuses when anything differs from the plan.
  public func attest() async throws(SandboxError) {}

  /// 0–100 from the observed state, with a reason for every point lost.
  public func score() -> SecurityScore { SecurityScore(points: 0, deductions: []) }

  /// Closes the descriptors and removes the empty cgroup. Call it once, after the exit.
  public func close() {}
}
