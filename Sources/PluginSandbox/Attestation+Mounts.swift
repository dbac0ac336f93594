// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims

extension Attestation {
  /// Compares both ways: nothing is mounted that nobody asked for, and everything that was asked for is.
  mutating func checkMounts(_ one: ObservedProcess, _ process: SandboxedProcess) {
    let (mounts, plan, entries) = (one.mounts, process.plan, process.mounts.entries)
    guard let root = mounts.last(where: { $0.target == "/" }) else {
      differences.append("the plugin's mounts cannot be read")
      return
    }
    if root.type != "tmpfs" || !root.options.contains("ro") { differences.append("/ is not a read-only tmpfs") }
    var asked = entries.filter { $0.isMount }
    if plan.permissions.runtime.procSelf { asked.append(MountTable.Entry(kind: BL_M_BIND, target: "/proc")) }
    for entry in asked where !entry.has(BL_MF_OPTIONAL) && !mounts.contains(where: { $0.target == entry.target }) {
      differences.append("\(entry.target) is not mounted")
    }
    for mount in mounts where mount.target != "/" {
      let target = mount.target
      let above = asked.filter { PathPolicy.isBeneath(target, $0.target) }
      if above.isEmpty {
        differences.append("\(target) is mounted and nobody asked for it")
        continue
      }
      if !mount.options.contains("nosuid") { differences.append("\(target) is mounted without nosuid") }
      if !above.contains(where: { $0.has(BL_MF_EXEC) }), !mount.options.contains("noexec") {
        differences.append("\(target) is mounted without noexec")
      }
      if !above.contains(where: { $0.has(BL_MF_WRITE) }), !mount.options.contains("ro") {
        differences.append("\(target) is mounted writable")
      }
      let holdsNodes = above.contains { $0.target == target && ($0.has(BL_MF_DEVICE) || $0.has(BL_MF_NODES)) }
      if !holdsNodes, !mount.options.contains("nodev") { differences.append("\(target) is mounted without nodev") }
      let isFresh = above.contains { $0.target == target && $0.kind == BL_M_TMPFS }
      if isFresh, mount.type != "tmpfs" { differences.append("\(target) is \(mount.type), not a tmpfs of its own") }
    }
  }
}

extension MountTable.Entry {
  /// Whether it shows among the mounts: links and files of text lie in the root itself.
  var isMount: Bool { kind == BL_M_BIND || kind == BL_M_TMPFS || kind == BL_M_IMAGE }

  func has(_ flag: bl_mount_flag) -> Bool { flags & UInt8(flag.rawValue) != 0 }
}
