// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import PluginSandbox
public import PluginSupervisor

/// What is checked, and how.
public struct Target: Sendable {
  /// The bundle's directory.
  public var bundle: String
  /// The storage type to check; the first of the manifest when nil.
  public var type: String?
  /// Configuration properties beyond `path`, as `key=value` text.
  public var options: [(key: String, value: String)] = []
  /// An existing directory, of the file system the plugin wants; every check gets a fresh directory in it.
  public var workDirectory: String
  public var launcher: any PluginLauncher
  public var mode: LaunchPlan.Mode
  /// User ids for the plugin: one from here up for every fresh bench.
  public var firstUID: UInt32 = 661_000
  /// Longest wait for one step.
  public var patience: Duration = .seconds(30)
  /// Longest run of everything; what was not reached then counts as failed.
  public var budget: Duration = .seconds(1800)
  /// Bytes of a test volume.
  public var volumeSize: Int64 = 8 << 20
  /// Told of every host service that the plugin asks for; all are denied.
  var asked: @Sendable (_ method: String) -> Void = { _ in }

  public init(bundle: String, workDirectory: String, launcher: any PluginLauncher, mode: LaunchPlan.Mode) {
    self.bundle = bundle
    self.workDirectory = workDirectory
    self.launcher = launcher
    self.mode = mode
  }
}
