// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What this machine offers to confine plugins, and what it lacks.
public struct CapabilityReport: Sendable, Hashable {
  public var mode: LaunchPlan.Mode
  /// Layers this machine can put in force in that mode.
  public var available: SandboxLayers
  /// Landlock's ABI, 0 when absent.
  public var landlockABI: Int32
  /// Broker operations that the launcher may start workers for: it is root, holds their capabilities, and `berth-broker`
  /// stands beside it.
  public var operations: Set<BrokerOperation.Kind>

  init(available: SandboxLayers, landlockABI: Int32, operations: Set<BrokerOperation.Kind> = []) {
    self.operations = operations
    self.mode = available.contains(.userNamespace) ? .unprivileged : .privileged
    self.available = available
    self.landlockABI = landlockABI
  }

  /// The layers that the strongest confinement in this mode has and this machine cannot give.
  public var missing: SandboxLayers {
    let wanted: SandboxLayers = mode == .privileged ? .privileged : .requiredWhenUnprivileged
    return wanted.subtracting(available)
  }

  /// Whether plugins may start at all in this mode.
  public var isSufficient: Bool {
    let required: SandboxLayers = mode == .privileged ? .requiredWhenPrivileged : .requiredWhenUnprivileged
    return available.isSuperset(of: required)
  }

  /// One sentence for people.
  public var summary: String {
    let kind = mode == .privileged ? "privileged" : "unprivileged (weaker: no user id of its own, no cgroup limits)"
    if missing.isEmpty { return "\(kind): every layer available, Landlock ABI \(landlockABI)" }
    return "\(kind): missing \(missing)" + (missing.remedy.map { ". To have them: \($0)" } ?? "")
  }
}
