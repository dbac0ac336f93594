// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What was read back about a running sandbox from outside, and how it differs from its plan.
struct Attestation: Sendable, Hashable {
  /// One difference a sentence; empty when the sandbox is what was asked for.
  private(set) var differences: [String] = []
  /// What could not be looked at, for want of privilege.
  private(set) var unobserved: [String] = []

  /// Looks at the sandbox's init and at the plugin itself.
  init(of process: SandboxedProcess) {
    guard let initial = ObservedProcess(pid: process.pid) else {
      differences.append("the sandbox is gone")
      return
    }
    let plan = process.plan
    var observed = [("init", initial)]
    if let children = initial.children {
      // The first is the plugin; others are processes it left to the sandbox's init.
      let roles = ["plugin"] + Array(repeating: "orphan", count: max(0, children.count - 1))
      observed += zip(roles, children).compactMap { role, pid in ObservedProcess(pid: pid).map { (role, $0) } }
    } else {
      unobserved.append("the plugin's own process")
    }
    for (role, one) in observed {
      checkIdentity(one, role, plan)
      checkNamespaces(one, role, plan)
      checkLimits(one, role, plan)
    }
    checkMounts(initial, plan)
    for (role, one) in observed.dropFirst() { checkDescriptors(one, role, plan) }
    if !process.layers.isSuperset(of: waived(plan.required, plan)) {
      differences.append("layers missing: \(plan.required.subtracting(process.layers))")
    }
  }

  private func waived(_ layers: SandboxLayers, _ plan: LaunchPlan) -> SandboxLayers {
    var layers = layers
    if plan.permissions.runtime.jit { layers.remove(.writeXorExecute) }
    if plan.permissions.network == .host { layers.remove(.networkNamespace) }
    return layers
  }

  private mutating func checkIdentity(_ one: ObservedProcess, _ role: String, _ plan: LaunchPlan) {
    for (field, wanted) in [("Uid", plan.uid), ("Gid", plan.group)] {
      let ids = one.ids(field)
      if ids != [wanted, wanted, wanted, wanted] { differences.append("\(role): \(field) is \(ids), not \(wanted)") }
    }
    if plan.mode == .privileged, !one.ids("Groups").isEmpty {
      differences.append("\(role): supplementary groups \(one.ids("Groups"))")
    }
    for set in one.capabilities { differences.append("\(role): capabilities in \(set)") }
    if one.status["NoNewPrivs"] != "1" { differences.append("\(role): no_new_privs is off") }
    if one.status["Seccomp"] != "2" { differences.append("\(role): seccomp mode is \(one.status["Seccomp"] ?? "?")") }
  }

  private mutating func checkNamespaces(_ one: ObservedProcess, _ role: String, _ plan: LaunchPlan) {
    var wanted = ["mnt", "pid", "ipc", "uts", "cgroup"]
    if plan.permissions.network != .host { wanted.append("net") }
    if plan.mode == .unprivileged { wanted.append("user") }
    for name in wanted {
      guard let inside = one.namespace(name) else {
        if !unobserved.contains("namespaces") { unobserved.append("namespaces") }
        return
      }
      if inside == ObservedProcess.ownNamespace(name) { differences.append("\(role): shares the \(name) namespace") }
    }
    if plan.mode == .privileged, one.namespace("user") != ObservedProcess.ownNamespace("user") {
      differences.append("\(role): has a user namespace of its own")
    }
  }

  private mutating func checkLimits(_ one: ObservedProcess, _ role: String, _ plan: LaunchPlan) {
    let limits = one.limits
    let ceilings: [(String, UInt64)] = [
      ("Max core file size", 0), ("Max open files", UInt64(plan.effectiveLimits.descriptors)), ("Max locked memory", 0),
      ("Max msgqueue size", 0), ("Max realtime priority", 0), ("Max nice priority", 0),
    ]
    for (name, ceiling) in ceilings {
      guard let limit = limits[name] else { continue }
      if (limit ?? .max) > ceiling {
        differences.append("\(role): \(name) is \(limit.map(String.init) ?? "unlimited")")
      }
    }
  }

  private mutating func checkMounts(_ one: ObservedProcess, _ plan: LaunchPlan) {
    let mounts = one.mounts
    if mounts.isEmpty {
      unobserved.append("mounts")
      return
    }
    guard let table = try? MountTable(plan, endpoints: []) else { return }
    var allowed = table.entries.map(\.target)
    if plan.permissions.runtime.procSelf { allowed.append("/proc") }
    let writable = table.entries.filter { $0.flags & 1 != 0 }.map(\.target)
    let executable = table.entries.filter { $0.flags & 2 != 0 }.map(\.target)
    for mount in mounts {
      let target = mount.target
      if target == "/" {
        if mount.type != "tmpfs" || !mount.options.contains("ro") { differences.append("/ is not a read-only tmpfs") }
        continue
      }
      guard allowed.contains(where: { PathPolicy.isBeneath(target, $0) }) else {
        differences.append("\(target) is mounted and nobody asked for it")
        continue
      }
      if !mount.options.contains("nosuid") { differences.append("\(target) is mounted without nosuid") }
      let mayExecute = executable.contains { PathPolicy.isBeneath(target, $0) }
      if !mayExecute, !mount.options.contains("noexec") { differences.append("\(target) is mounted without noexec") }
      let mayWrite = writable.contains { PathPolicy.isBeneath(target, $0) }
      if !mayWrite, !mount.options.contains("ro") { differences.append("\(target) is mounted writable") }
      let holdsNodes = plan.brokerDirectory.map { target == $0 + "/dev" } ?? false
      if !target.hasPrefix("/dev/"), !holdsNodes, !plan.deviceTargets.contains(target), !mount.options.contains("nodev")
      {
        differences.append("\(target) is mounted without nodev")
      }
    }
  }

  /// A plugin that already runs has files of its own open: they must lie in what it was given. It may have put one of
  /// them in the place of its pipes, so that nothing it starts reads or writes messages; what else stands there, such as
  /// a socket, is nothing it was started with. Its children may have closed those three, as daemons do.
  private mutating func checkDescriptors(_ one: ObservedProcess, _ role: String, _ plan: LaunchPlan) {
    guard let descriptors = one.descriptors else {
      unobserved.append("descriptors")
      return
    }
    guard let table = try? MountTable(plan, endpoints: []) else { return }
    let allowed = table.entries.map(\.target) + ["/proc"]
    for (number, target) in descriptors {
      if number <= 2, role == "plugin", !target.hasPrefix("/") {
        if !target.hasPrefix("pipe:") { differences.append("\(role): descriptor \(number) is \(target), not a pipe") }
      } else if target.hasPrefix("/"), !target.hasPrefix("/memfd:"),
        !allowed.contains(where: { PathPolicy.isBeneath(target, $0) }), target != "/"
      {
        differences.append("\(role): descriptor \(number) leads to \(target) outside the sandbox")
      }
    }
  }
}

extension LaunchPlan {
  /// Granted device nodes, at their path inside.
  var deviceTargets: [String] { (try? DeviceNodes.resolve(permissions.devices)) ?? [] }
}

extension SandboxedProcess {
  /// Reads the sandbox back from outside and refuses when anything differs from the plan; the plugin is then killed.
  ///
  /// To be called before the plugin gets any configuration or secret.
  public func attest() async throws(SandboxError) {
    let attestation = await Blocking.run { [self] in Attestation(of: self) }
    // A plugin that ended in the meantime shows nothing; its supervisor learns of the end by itself.
    if exitStatus() != nil || attestation.differences.isEmpty { return }
    _ = try? await kill()
    throw SandboxError(
      .attestationFailed,
      "plugin instance \(instance) was killed: its confinement differs from what was asked for: "
        + attestation.differences.joined(separator: "; "))
  }
}
