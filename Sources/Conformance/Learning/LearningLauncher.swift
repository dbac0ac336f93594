// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import PluginSupervisor
internal import Synchronization

/// Starts plugins in learning mode, with what earlier rounds found granted for trial.
final class LearningLauncher: PluginLauncher {
  private let launcher: Launcher
  let observer = LearningObserver()
  private let trial: [LearnedPermission]
  private let failures = Mutex<[String]>([])

  init(_ launcher: Launcher, trial: [LearnedPermission]) {
    self.launcher = launcher
    self.trial = trial
  }

  /// Why plugins could not be started.
  var problems: [String] { failures.withLock { $0 } }

  func launch(_ plan: LaunchPlan) async throws(SandboxError) -> any PluginProcess {
    var plan = plan
    plan.learning = true
    for permission in trial { permission.add(to: &plan.permissions, path: plan.checkedPath) }
    do throws(SandboxError) {
      let process = try await launcher.launch(plan)
      try observer.watch(process)
      return process
    } catch {
      failures.withLock { $0.append("\(error)") }
      throw error
    }
  }

  func removeLeftovers() async throws(SandboxError) { try await launcher.removeLeftovers() }
}

extension LaunchPlan {
  /// The storage directory of the bench that made the plan: beside its streams.
  var checkedPath: String {
    let streams = streamsDirectory ?? ""
    return (streams.hasSuffix("/streams") ? String(streams.dropLast("/streams".count)) : streams) + "/root"
  }
}
