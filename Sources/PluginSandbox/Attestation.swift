// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What was read back about a running sandbox from outside, and how it differs from its plan.
///
/// What cannot be read is a difference: a daemon without privileges takes the plugin's namespaces and descriptors from
/// the set-up's own report. The sandbox's init can be looked into by nobody without CAP_SYS_PTRACE (it never executes
/// anything and is not dumpable); the plugin was cloned from it and shares its namespaces.
struct Attestation: Sendable, Hashable {
  /// One difference a sentence; empty when the sandbox is what was asked for.
  var differences: [String] = []

  /// Looks at the sandbox's init, at the plugin itself and at what it left to init.
  init(of process: SandboxedProcess) {
    guard let initial = ObservedProcess(pid: process.pid) else {
      differences.append("the sandbox is gone")
      return
    }
    let plan = process.plan
    var observed = [("init", initial)]
    // The first is the plugin; others are processes it left to the sandbox's init.
    for (index, pid) in (initial.children ?? []).enumerated() {
      guard let one = ObservedProcess(pid: pid), !one.isZombie else { continue }
      observed.append((index == 0 ? "plugin" : "orphan", one))
    }
    for (role, one) in observed {
      checkIdentity(one, role, plan)
      checkNamespaces(one, role, process)
      checkLimits(one, role, plan)
      checkGroups(one, role, process)
    }
    guard let plugin = observed.first(where: { $0.0 == "plugin" })?.1 else {
      differences.append("the plugin's own process cannot be seen")
      return
    }
    checkGroupLimits(process)
    checkMounts(plugin, process)
    checkKeptDescriptors(process)
    for (role, one) in observed.dropFirst() { checkDescriptors(one, role) }
    let waived = waived(plan.required, plan)
    if !process.layers.isSuperset(of: waived) {
      differences.append("layers missing: \(waived.subtracting(process.layers))")
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
    if plan.mode == .privileged, one.status["Groups"] == nil || !one.ids("Groups").isEmpty {
      differences.append("\(role): supplementary groups \(one.status["Groups"] ?? "unknown")")
    }
    for set in one.capabilities { differences.append("\(role): capabilities in \(set)") }
    if one.status["NoNewPrivs"] != "1" { differences.append("\(role): no_new_privs is off") }
    if one.status["Seccomp"] != "2" { differences.append("\(role): seccomp mode is \(one.status["Seccomp"] ?? "?")") }
  }

  private mutating func checkNamespaces(_ one: ObservedProcess, _ role: String, _ process: SandboxedProcess) {
    let (plan, report) = (process.plan, process.report)
    var wanted = ["mnt", "pid", "ipc", "uts", "cgroup"]
    if plan.permissions.network != .host { wanted.append("net") }
    if plan.mode == .unprivileged { wanted.append("user") }
    for name in wanted {
      let seen = one.namespaceInode(name)
      let told = role == "plugin" ? report.inside[name] : nil
      if role == "plugin", told == nil || (seen != nil && seen != told) {
        differences.append("plugin: the \(name) namespace is not the one that its set-up told of")
      }
      for inode in [seen, told] {
        guard let inode, report.isShared(name, inode) else { continue }
        differences.append("\(role): shares the \(name) namespace")
        break
      }
    }
    guard plan.mode == .privileged else { return }
    let user = one.namespaceInode("user") ?? report.inside["user"] ?? 0
    if user != report.outside["user"] { differences.append("\(role): has a user namespace of its own") }
  }

  private mutating func checkLimits(_ one: ObservedProcess, _ role: String, _ plan: LaunchPlan) {
    let (limits, planned) = (one.limits, plan.effectiveLimits)
    var ceilings: [(String, UInt64)] = [
      ("Max core file size", 0), ("Max open files", UInt64(planned.descriptors)), ("Max locked memory", 0),
      ("Max msgqueue size", 0), ("Max realtime priority", 0), ("Max nice priority", 0), ("Max pending signals", 256),
      ("Max file size", planned.fileSize ?? .max), ("Max address space", planned.addressSpace ?? .max),
    ]
    // Per user: an ordinary user's other processes would count as well.
    if plan.mode == .privileged { ceilings.append(("Max processes", UInt64(planned.processes) + 2)) }
    for (name, ceiling) in ceilings {
      guard let limit = limits[name] else {
        differences.append("\(role): \(name) cannot be read")
        continue
      }
      if (limit ?? .max) > ceiling {
        differences.append("\(role): \(name) is \(limit.map(String.init) ?? "unlimited")")
      }
    }
  }
}

extension SandboxedProcess {
  /// Reads the sandbox back from outside and refuses when anything differs from the plan; the plugin is then killed.
  ///
  /// To be called before the plugin gets any configuration or secret.
  public func attest() async throws(SandboxError) {
    let attestation = await Blocking.run { [self] in
      let attestation = Attestation(of: self)
      // Of one that is just ending there is less to see; its sandbox follows in a moment.
      if !attestation.differences.isEmpty { _ = waitReadable(within: .milliseconds(300)) }
      return attestation
    }
    // A plugin that ended in the meantime shows nothing; its supervisor learns of the end by itself.
    if exitStatus() != nil || attestation.differences.isEmpty { return }
    _ = try? await kill()
    throw SandboxError(
      .attestationFailed,
      "plugin instance \(instance) was killed: its confinement differs from what was asked for: "
        + attestation.differences.joined(separator: "; "))
  }
}
