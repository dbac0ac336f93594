// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How well a running plugin is confined, 0 (not at all) to 100, computed from what was observed.
public struct SecurityScore: Sendable, Hashable {
  /// Points lost for one reason.
  public struct Deduction: Sendable, Hashable {
    public var points: Int
    public var reason: String
  }

  public var points: Int
  public var deductions: [Deduction]

  /// Weighs missing layers, differences seen from outside and dangerous grants.
  ///
  /// - Parameters:
  ///   - layers: what the launcher put in force; some of it, such as Landlock, shows nowhere else.
  ///   - refuted: what `/proc` says otherwise about: it counts as missing.
  init(
    layers: SandboxLayers, refuted: [(layer: SandboxLayers, seen: String)] = [], landlockABI: Int32, plan: LaunchPlan,
    differences: [String]
  ) {
    var lost: [Deduction] = []
    for (layer, weight) in Self.weights {
      if let contradiction = refuted.first(where: { $0.layer == layer }) {
        lost.append(Deduction(points: weight, reason: "layer not in force: \(layer): \(contradiction.seen)"))
      } else if !layers.contains(layer) {
        lost.append(Deduction(points: weight, reason: "layer missing: \(layer)"))
      }
    }
    if layers.contains(.landlock), landlockABI < 6 {
      lost.append(Deduction(points: 3, reason: "Landlock ABI \(landlockABI): signals and abstract sockets not scoped"))
    }
    for difference in differences { lost.append(Deduction(points: 20, reason: difference)) }
    lost += Self.grants(plan)
    if plan.learning { lost.append(Deduction(points: 50, reason: "learning mode: refused calls are let pass")) }
    deductions = lost
    points = max(0, 100 - lost.reduce(0) { $0 + $1.points })
  }

  private static func grants(_ plan: LaunchPlan) -> [Deduction] {
    var lost: [Deduction] = []
    switch plan.permissions.network {
    case .host: lost.append(Deduction(points: 25, reason: "granted: the host's network"))
    case .endpoints(let endpoints) where !endpoints.isEmpty:
      lost.append(Deduction(points: 2, reason: "granted: \(endpoints.count) network endpoints"))
    default: break
    }
    for device in plan.permissions.devices {
      let points = device.access == .readWrite ? 8 : 4
      lost.append(Deduction(points: points, reason: "granted: device class \(device.deviceClass)"))
    }
    for operation in plan.permissions.broker {
      lost.append(Deduction(points: 2, reason: "granted: the host's operation \(operation.operation)"))
    }
    if plan.permissions.runtime.procSelf { lost.append(Deduction(points: 1, reason: "granted: its own /proc")) }
    return lost
  }

  private static let weights: [(SandboxLayers, Int)] = [
    (.ownUID, 15), (.noCapabilities, 30), (.noNewPrivileges, 15), (.mountNamespace, 30), (.pidNamespace, 15),
    (.networkNamespace, 10), (.ipcNamespace, 5), (.utsNamespace, 1), (.cgroupNamespace, 2), (.landlock, 10),
    (.seccomp, 20), (.resourceLimits, 5), (.cgroup, 5), (.memoryLimit, 5), (.processLimit, 5), (.cpuLimit, 2),
    (.memfdNoExec, 2), (.writeXorExecute, 2),
  ]
}

extension SandboxedProcess {
  /// 0–100 from the observed state, with a reason for every point lost. Reads `/proc`; not for the cooperative pool's
  /// hot paths.
  public func score() -> SecurityScore {
    let isRunning = exitStatus() == nil
    return SecurityScore(
      layers: layers, refuted: isRunning ? ObservedLayers(of: self).refuted : [], landlockABI: landlockABI, plan: plan,
      differences: isRunning ? Attestation(of: self).differences : [])
  }
}
