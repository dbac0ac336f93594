// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Everything the launcher needs to start one confined plugin: a pure value, made by the host, shown in tests.
public struct LaunchPlan: Sendable, Hashable {
  /// How strongly the plugin is confined.
  public enum Mode: String, Sendable, Hashable {
    /// Started by root or through the launcher server: every layer.
    case privileged
    /// Started by an ordinary user in a user namespace: no uid of its own, limits only by rlimit. Weaker.
    case unprivileged
  }

  /// Names the instance in cgroups and messages: storage id and a spawn number, `[A-Za-z0-9._-]+`; of a long one the
  /// beginning and a hash are used.
  public var instance: String
  public var mode: Mode
  /// The plugin's bundle directory on the host; `/plugin` inside, read-only.
  public var bundle: String
  /// The executable inside the bundle (manifest `executable`).
  public var executable: String
  public var arguments: [String] = []
  /// Added to the environment, which otherwise holds PATH, HOME, TMPDIR and LANG only. Never secrets.
  public var environment: [String: String] = [:]
  /// The instance's private directory on the host; `/state` inside, writable, not executable. nil: a small tmpfs.
  public var stateDirectory: String?
  /// A file with an ext4 file system (``StateImage``) that takes the place of ``stateDirectory``: the instance's state
  /// with a size that it cannot exceed. Privileged mode only.
  public var stateImage: String?
  /// The instance's stream directory on the host; `/streams` inside.
  public var streamsDirectory: String?
  /// Whose the plugin is, across restarts: a storage, a candidate, or a plugin that serves all of its storages.
  public var holder = ""
  /// The directory whose `mounts` and `dev` the broker fills while the plugin runs; at the same paths inside.
  public var brokerDirectory: String?
  /// Effective permissions, resolved.
  public var permissions: Permissions
  public var limits = ResourceLimits()
  /// The plugin's user and group id (from ``UIDAllocator``); ignored in unprivileged mode.
  public var uid: UInt32
  /// Layers without which the plugin must not start.
  public var required: SandboxLayers
  /// Directories of the host that hold interpreters and libraries, read-only inside at the same path.
  public var systemDirectories: [String] = LaunchPlan.defaultSystemDirectories

  /// Development only: refused system calls are reported and let pass, to find out what a plugin needs.
  public var learning = false

  public static let defaultSystemDirectories = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]

  public init(
    instance: String, mode: Mode, bundle: String, executable: String, permissions: Permissions = Permissions(),
    uid: UInt32
  ) {
    self.instance = instance
    self.mode = mode
    self.bundle = bundle
    self.executable = executable
    self.permissions = permissions
    self.uid = uid
    self.required = mode == .privileged ? .requiredWhenPrivileged : .requiredWhenUnprivileged
  }

  /// Everything the plugin finds in its environment.
  package var wholeEnvironment: [String: String] {
    ["HOME": "/state", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TMPDIR": "/tmp"]
      .merging(environment) { _, own in own }
  }

  /// The limits that hold for this plugin: ``limits``, and in their place what its permissions grant.
  public var effectiveLimits: ResourceLimits {
    var effective = limits
    effective.memory = permissions.runtime.memory ?? limits.memory
    effective.processes = permissions.runtime.processCount ?? limits.processes
    effective.temporarySpace = permissions.runtime.temporarySpace ?? limits.temporarySpace
    effective.stateSpace = permissions.runtime.stateSpace ?? limits.stateSpace
    return effective
  }
}
