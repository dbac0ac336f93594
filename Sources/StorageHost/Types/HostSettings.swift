// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ClusterLocks
internal import Jobs
public import Logging
public import PluginSupervisor
internal import StorageProtocol

/// Where a host keeps its state and how it behaves.
public struct HostSettings: Sendable {
  /// Durable state: `storage.cfg`, `secrets/`, `berth.sqlite`, `locks/`, `uids.json`, `plugin-state/`, `bundles/` (copies of
  /// plugins that ran well), `daemon.lock`.
  public var stateDirectory: String
  /// What may vanish at a reboot: sockets and stream directories.
  public var runDirectory: String
  /// Folders that hold plugin bundles, searched in order.
  public var pluginDirectories: [String]
  /// The launcher program; found beside the running executable when nil.
  public var launcher: String?
  /// The socket of the launcher server, which then starts the plugins; nil starts the program for every plugin.
  public var launcherSocket: String?
  /// Full sandbox as root, or the weaker one in a user namespace.
  public var isPrivileged: Bool
  /// The name of this machine, compared with `nodes` of a storage.
  public var node: String
  public var logger: Logger
  /// How often the status of every storage whose plugin runs is sampled.
  public var statusInterval: Duration = .seconds(10)
  /// How often that of a storage whose plugin does not run: it is started for the sample, and ended after it.
  public var restingStatusInterval: Duration = .seconds(900)
  /// How long one status call may take.
  public var statusTimeout: Duration = .seconds(5)
  /// How long an operation waits for its lock.
  public var lockTimeout: Duration = .seconds(60)
  /// Names this daemon's part of the cgroup tree: two daemons on one machine need two.
  public var scope = "default"
  /// The daemon's own version, told to plugins.
  public var version = "0.1.0"
  /// Changes how every plugin process is supervised, such as times and restart policy.
  public var adjust: @Sendable (inout InstanceConfiguration) -> Void = { _ in }
  /// How long settled journal records (and first results) are kept, at least.
  public var journalRetention: Duration = .seconds(48 * 3600)
  /// The wall clock, in milliseconds since the epoch: for people and for records, never for deadlines.
  public var wallClock: @Sendable () -> Int64 = Clock.milliseconds
  /// A clock nobody sets, in milliseconds since any moment: tells how old records are when the wall clock jumps.
  public var steadyClock: @Sendable () -> Int64 = Clock.steady

  /// Opens the lock service in its directory; tests give it a clock of theirs.
  public var makeLocks: @Sendable (_ directory: String) throws(LockError) -> EmbeddedLocks = {
    (directory) throws(LockError) in try EmbeddedLocks(directory: directory)
  }

  public init(
    stateDirectory: String, runDirectory: String, pluginDirectories: [String], launcher: String? = nil,
    isPrivileged: Bool, node: String, logger: Logger
  ) {
    self.stateDirectory = stateDirectory
    self.runDirectory = runDirectory
    self.pluginDirectories = pluginDirectories
    self.launcher = launcher
    self.isPrivileged = isPrivileged
    self.node = node
    self.logger = logger
  }

  var databasePath: String { "\(stateDirectory)/berth.sqlite" }
  var locksPath: String { "\(stateDirectory)/locks" }
  var uidsPath: String { "\(stateDirectory)/uids.json" }
  var daemonLockPath: String { "\(stateDirectory)/daemon.lock" }
  var pluginStateDirectory: String { "\(stateDirectory)/plugin-state" }
  var bundleCopiesDirectory: String { "\(stateDirectory)/bundles" }
  /// The daemon's own places, which no plugin is granted.
  var protectedPaths: [String] {
    let program = launcher.map { [String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex))] } ?? []
    return [stateDirectory, runDirectory] + pluginDirectories + program
  }
  var hostInfo: HostInfo { HostInfo(name: "berthd", version: version, node: node) }
}
