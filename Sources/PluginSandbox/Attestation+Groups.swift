// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Attestation {
  /// Every layer that a control group makes: the process is in the instance's own leaf of the hierarchy that has the
  /// controller.
  mutating func checkGroups(_ one: ObservedProcess, _ role: String, _ process: SandboxedProcess) {
    let wanted: [(SandboxLayers, String)] = [(.memoryLimit, "memory"), (.processLimit, "pids"), (.cpuLimit, "cpu")]
    let groups = one.groups
    // One is enough: on a host of version 1 the unified hierarchy, which nobody has mounted, may still be listed.
    let own = ["", "pids", "freezer"].compactMap { groups[$0]?.split(separator: "/").last.map(String.init) }
    if process.layers.contains(.cgroup), !own.contains(process.instance) {
      differences.append("\(role): its control groups are \(own), none is its own")
    }
    for (layer, controller) in wanted where process.layers.contains(layer) {
      // What no version 1 hierarchy has, the unified one does.
      guard let group = groups[controller] ?? groups[""] else {
        differences.append("\(role): its control group for \(layer) cannot be read")
        continue
      }
      if group.split(separator: "/").last.map(String.init) != process.instance {
        differences.append("\(role): its control group for \(layer) is \(group)")
      }
    }
  }

  /// The limits as they stand in the leaf. A plugin that is being held back has less of the processor.
  mutating func checkGroupLimits(_ process: SandboxedProcess) {
    let (planned, group) = (process.plan.effectiveLimits, process.cgroup)
    let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
    func compare(_ layer: SandboxLayers, _ found: UInt64?, _ wanted: UInt64, rounding: UInt64 = 0) -> String? {
      guard process.layers.contains(layer) else { return nil }
      guard let found else { return "\(layer): the control group has none, or it cannot be read" }
      return found > wanted || found + rounding < wanted ? "\(layer): \(found), not \(wanted)" : nil
    }
    let memory = compare(.memoryLimit, group.memoryLimit, planned.memory, rounding: page)
    let processes = compare(.processLimit, group.processLimit, UInt64(planned.processes) + 1)
    let percent = UInt64(planned.cpuPercent)
    let share = compare(.cpuLimit, group.cpuLimit, percent, rounding: percent)
    differences += [memory, processes, share].compactMap { $0 }
  }
}
