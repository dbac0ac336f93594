// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Which of a running sandbox's layers the host's own `/proc` contradicts, whatever the launcher said about them.
struct ObservedLayers {
  /// Layers that are not in force, with what was seen instead.
  private(set) var refuted: [(layer: SandboxLayers, seen: String)] = []

  /// Looks at the sandbox's init and at every process in it that is the init's child.
  ///
  /// - Parameter plan: what it is compared with; its own when nil.
  init(of process: SandboxedProcess, plan: LaunchPlan? = nil) {
    guard let initial = ObservedProcess(pid: process.pid) else { return }
    let plan = plan ?? process.plan
    let plugin = (initial.children ?? []).compactMap { ObservedProcess(pid: $0) }
    for one in [initial] + plugin { check(one, plan, process) }
    let mounts = initial.mounts
    if let root = mounts.first(where: { $0.target == "/" }), root.type != "tmpfs" || !root.options.contains("ro") {
      refute(.mountNamespace, "its root is \(root.type), not a read-only tmpfs")
    }
  }

  private mutating func check(_ one: ObservedProcess, _ plan: LaunchPlan, _ process: SandboxedProcess) {
    if plan.mode == .privileged {
      let ids = one.ids("Uid")
      if ids.isEmpty || ids.contains(where: { $0 != plan.uid }) { refute(.ownUID, "its user ids are \(ids)") }
    }
    if let set = one.capabilities.first { refute(.noCapabilities, "it has capabilities in \(set)") }
    if one.status["NoNewPrivs"] != "1" { refute(.noNewPrivileges, "no_new_privs is off") }
    if one.status["Seccomp"] != "2" { refute(.seccomp, "its seccomp mode is \(one.status["Seccomp"] ?? "unknown")") }
    for (name, layer) in Self.namespaces where !(layer == .networkNamespace && plan.permissions.network == .host) {
      // Who may not look has what the set-up saw.
      guard let inside = one.namespaceInode(name) ?? process.report.inside[name], process.report.isShared(name, inside)
      else { continue }
      refute(layer, "it shares the host's \(name) namespace")
    }
    if let core = one.limits["Max core file size"], core != 0 { refute(.resourceLimits, "it may write core files") }
    checkGroups(one, plan)
  }

  private static let namespaces: [(String, SandboxLayers)] = [
    ("mnt", .mountNamespace), ("pid", .pidNamespace), ("net", .networkNamespace), ("ipc", .ipcNamespace),
    ("uts", .utsNamespace), ("cgroup", .cgroupNamespace),
  ]

  /// A control group of its own carries the instance's name.
  private mutating func checkGroups(_ one: ObservedProcess, _ plan: LaunchPlan) {
    guard plan.mode == .privileged else { return }
    let groups = one.groups
    for (controller, layer) in [("memory", SandboxLayers.memoryLimit), ("pids", .processLimit), ("cpu", .cpuLimit)] {
      guard let group = groups[controller], !group.contains(plan.instance) else { continue }
      refute(layer, "its control group is \(group)")
    }
    // One is enough: on a host of version 1 the unified hierarchy, which nobody has mounted, may still be listed.
    let own = ["", "pids", "freezer"].compactMap { groups[$0] }
    if !own.contains(where: { $0.contains(plan.instance) }) { refute(.cgroup, "its control groups are \(own)") }
  }

  private mutating func refute(_ layer: SandboxLayers, _ seen: String) {
    if !refuted.contains(where: { $0.layer == layer }) { refuted.append((layer, seen)) }
  }
}
