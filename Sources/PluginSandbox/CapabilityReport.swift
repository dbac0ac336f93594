// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What this machine offers to confine plugins, and what it lacks.
public struct CapabilityReport: Sendable, Hashable {
  public var mode: LaunchPlan.Mode
  /// Layers this machine can put in force in that mode.
  public var available: SandboxLayers
  /// Landlock's ABI, 0 when absent.
  public var landlockABI: Int32
  /// A sentence for every layer that is missing, with what would bring it.
  public var missing: [String]
  public init(mode: LaunchPlan.Mode, available: SandboxLayers, landlockABI: Int32, missing: [String]) {
    self.mode = mode
    self.available = available
    self.landlockABI = landlockABI
    self.missing = missing
  }
}
