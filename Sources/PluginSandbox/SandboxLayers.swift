// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The layers that confine a plugin; the launcher reports which of them are in force.
public struct SandboxLayers: OptionSet, Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// An own host user id, shared with nothing else on the machine.
  public static let ownUID = SandboxLayers(rawValue: 1 << 0)
  /// No capability in any of the five sets.
  public static let noCapabilities = SandboxLayers(rawValue: 1 << 1)
  /// `no_new_privs`: set-uid and file-capability programs give nothing.
  public static let noNewPrivileges = SandboxLayers(rawValue: 1 << 2)
  /// An own mount namespace on a fresh read-only root.
  public static let mountNamespace = SandboxLayers(rawValue: 1 << 3)
  public static let pidNamespace = SandboxLayers(rawValue: 1 << 4)
  /// An own network namespace (empty unless endpoints are granted).
  public static let networkNamespace = SandboxLayers(rawValue: 1 << 5)
  public static let ipcNamespace = SandboxLayers(rawValue: 1 << 6)
  public static let utsNamespace = SandboxLayers(rawValue: 1 << 7)
  public static let cgroupNamespace = SandboxLayers(rawValue: 1 << 8)
  /// Landlock at the ABI of the running kernel.
  public static let landlock = SandboxLayers(rawValue: 1 << 9)
  /// The seccomp allow-list.
  public static let seccomp = SandboxLayers(rawValue: 1 << 10)
  public static let resourceLimits = SandboxLayers(rawValue: 1 << 11)
  /// A cgroup of its own that can be killed as a whole: in the unified hierarchy, or in version 1's for processes or for
  /// freezing.
  public static let cgroup = SandboxLayers(rawValue: 1 << 12)
  /// The memory controller limits the cgroup.
  public static let memoryLimit = SandboxLayers(rawValue: 1 << 13)
  /// The pids controller limits the cgroup.
  public static let processLimit = SandboxLayers(rawValue: 1 << 14)
  /// The cpu controller limits the cgroup.
  public static let cpuLimit = SandboxLayers(rawValue: 1 << 15)
  /// `vm.memfd_noexec=2`: no execution from anonymous files.
  public static let memfdNoExec = SandboxLayers(rawValue: 1 << 16)
  /// Memory-deny-write-execute.
  public static let writeXorExecute = SandboxLayers(rawValue: 1 << 17)
  /// The plugin's namespaces belong to a user namespace of its own (the weaker, unprivileged mode).
  public static let userNamespace = SandboxLayers(rawValue: 1 << 18)

  /// Every layer the privileged mode sets up on a current kernel.
  public static let privileged: SandboxLayers = [
    .ownUID, .noCapabilities, .noNewPrivileges, .mountNamespace, .pidNamespace, .networkNamespace, .ipcNamespace,
    .utsNamespace, .cgroupNamespace, .landlock, .seccomp, .resourceLimits, .cgroup, .memoryLimit, .processLimit,
    .cpuLimit, .memfdNoExec, .writeXorExecute,
  ]

  /// What privileged mode never starts without: only what older supported kernels lack is left out.
  public static let requiredWhenPrivileged: SandboxLayers = SandboxLayers.privileged.subtracting([
    .memfdNoExec, .writeXorExecute,
  ])

  /// What the unprivileged mode never starts without.
  public static let requiredWhenUnprivileged: SandboxLayers = [
    .noCapabilities, .noNewPrivileges, .mountNamespace, .pidNamespace, .networkNamespace, .ipcNamespace,
    .utsNamespace, .cgroupNamespace, .landlock, .seccomp, .resourceLimits, .userNamespace,
  ]

  /// Names by bit, in bit order.
  public static let names: [(SandboxLayers, String)] = [
    (.ownUID, "own-uid"), (.noCapabilities, "no-capabilities"), (.noNewPrivileges, "no-new-privileges"),
    (.mountNamespace, "mount-namespace"), (.pidNamespace, "pid-namespace"),
    (.networkNamespace, "network-namespace"), (.ipcNamespace, "ipc-namespace"), (.utsNamespace, "uts-namespace"),
    (.cgroupNamespace, "cgroup-namespace"), (.landlock, "landlock"), (.seccomp, "seccomp"),
    (.resourceLimits, "resource-limits"), (.cgroup, "cgroup"), (.memoryLimit, "memory-limit"),
    (.processLimit, "process-limit"), (.cpuLimit, "cpu-limit"), (.memfdNoExec, "memfd-noexec"),
    (.writeXorExecute, "write-xor-execute"), (.userNamespace, "user-namespace"),
  ]

  /// The names of the layers in this set, in bit order.
  public var labels: [String] { Self.names.filter { contains($0.0) }.map(\.1) }
  public var description: String { labels.joined(separator: ", ") }
}
