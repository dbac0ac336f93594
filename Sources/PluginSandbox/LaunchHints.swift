// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// What an administrator can do about a failed step.
enum LaunchHints {
  static func hint(step: UInt32, errno number: Int32, detail: String) -> String? {
    switch bl_step(rawValue: step) {
    case BL_STEP_SOURCE where detail.hasPrefix("state image: in use"):
      "An earlier instance of this plugin still holds its state; look for a process that cannot be killed"
    case BL_STEP_SOURCE:
      switch number {
      case ENOENT: "\(detail) does not exist on this host"
      case ELOOP: "\(detail) leads through a symbolic link; grant the real path"
      case EACCES:
        "\(detail) holds programs and must belong to root or to berthd's user and be writable by its owner only"
      default: nil
      }
    case BL_STEP_IDMAP:
      "The file system of \(detail) cannot show its files under the plugin's user id; use a directory on ext4, xfs, "
        + "btrfs or (Linux 6.3) tmpfs, or make the plugin's user its owner"
    case BL_STEP_PRIVILEGE: "Start berthd as root, use the launcher server, or choose the unprivileged mode"
    case BL_STEP_CGROUP, BL_STEP_LIMITS, BL_STEP_JOIN:
      "Check that /sys/fs/cgroup is writable for the launcher and that the memory, pids and cpu controllers are "
        + "enabled"
    case BL_STEP_CLONE where number == EPERM || number == ENOSPC:
      "The kernel refuses new namespaces; check kernel.unprivileged_userns_clone and user.max_user_namespaces"
    case BL_STEP_NETWORK where number == ENONET:
      "Grant endpoints (net tcp HOST:PORT) in its place, or give berth-launcher.service the host's network, as its drop-in "
        + "berth-launcher-broker.conf does"
    case BL_STEP_EXEC where number == ENOENT:
      "\(detail), or the interpreter that its first line names, does not exist inside the sandbox"
    case BL_STEP_EXEC where number == EACCES: "\(detail) is not executable for the plugin's user: chmod 755"
    default: nil
    }
  }
}

extension SandboxLayers {
  /// What would bring the layers in this set.
  var remedy: String? {
    var advice: [String] = []
    if contains(.landlock) { advice.append("boot a kernel with Landlock (5.13 or later, lsm=…,landlock)") }
    if !isDisjoint(with: [.memoryLimit, .processLimit, .cpuLimit]) {
      advice.append("enable the memory, pids and cpu cgroup controllers")
    }
    if contains(.cgroup) { advice.append("mount the unified cgroup hierarchy (cgroup2), or version 1's for pids") }
    if contains(.memfdNoExec) || contains(.writeXorExecute) { advice.append("use Linux 6.3 or later") }
    return advice.isEmpty ? nil : advice.joined(separator: "; ")
  }
}
