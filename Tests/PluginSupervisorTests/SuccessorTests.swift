// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import PluginSupervisor

/// Starts and kills wait at a gate while it is shut.
private final class Gate: Sendable {
  private let isShut = Mutex(false)

  func set(shut: Bool) { isShut.withLock { $0 = shut } }
  func pass() async { _ = await eventually(within: .seconds(60)) { !isShut.withLock { $0 } } }
}

/// The real launcher, with a gate before each start and one before each kill.
private final class GatedLauncher: PluginLauncher {
  let launcher: Launcher
  let starts = Gate()
  let kills = Gate()
  /// Whether whoever ends is said to have ended with the launcher.
  let takesPluginsAlong: Bool
  /// Who has been started, and the most who were there at once.
  private let living = Mutex((now: 0, most: 0))

  init(_ launcher: Launcher, takesPluginsAlong: Bool = false) {
    (self.launcher, self.takesPluginsAlong) = (launcher, takesPluginsAlong)
  }

  var mostAtOnce: Int { living.withLock { $0.most } }

  func launch(_ plan: LaunchPlan) async throws(SandboxError) -> any PluginProcess {
    await starts.pass()
    let process = try await launcher.launch(plan)
    living.withLock {
      $0.now += 1
      $0.most = max($0.most, $0.now)
    }
    return GatedProcess(process, self)
  }

  func left() { living.withLock { $0.now -= 1 } }

  func removeLeftovers() async throws(SandboxError) { try await launcher.removeLeftovers() }
}

private final class GatedProcess: PluginProcess {
  private let process: SandboxedProcess
  private let launcher: GatedLauncher

  init(_ process: SandboxedProcess, _ launcher: GatedLauncher) { (self.process, self.launcher) = (process, launcher) }

  var pid: Int32 { process.pid }
  var pidfd: Int32 { process.pidfd }
  var standardInput: Int32 { process.standardInput }
  var standardOutput: Int32 { process.standardOutput }
  var standardError: Int32 { process.standardError }
  var plan: LaunchPlan { process.plan }
  var uid: UInt32 { process.uid }
  var layers: SandboxLayers { process.layers }
  var holdBack: HoldBack? { process.holdBack }
  func attest() async throws(SandboxError) { try await process.attest() }
  func terminate() { process.terminate() }
  func kill(within deadline: Duration) async throws(SandboxError) -> PluginSandbox.ExitStatus {
    await launcher.kills.pass()
    let status = try await process.kill(within: deadline)
    return launcher.takesPluginsAlong ? .killed : status
  }
  func exitStatus() -> PluginSandbox.ExitStatus? {
    let status = process.exitStatus()
    return status != nil && launcher.takesPluginsAlong ? .killed : status
  }
  func limitHit() -> LimitHit? { process.limitHit() }
  func whenHeldBack(_ told: @escaping @Sendable (HoldBack?) -> Void) { process.whenHeldBack(told) }
  func hasLostLauncher() -> Bool { launcher.takesPluginsAlong }
  func score() -> SecurityScore { process.score() }
  func close() {
    launcher.left()
    process.close()
  }
}

/// What a child's end means for whoever called it, and for its successor.
@Suite(.requires(.root), .timeLimit(.minutes(2))) struct SuccessorTests {
  /// Of two callers one buries the child, and the next one is being started when the other comes. It was buried a second
  /// time then, and the instance took the new child, when that was ready, for the buried one: nobody saw its end.
  @Test func oneWhoComesWhileTheNextIsStartedLeavesItAlone() async throws {
    let stage = try Stage()
    let gated = GatedLauncher(stage.launcher)
    let instance = try stage.instance(of: stage.bundle("honest"), launcher: gated)
    try await instance.start()
    let old = try #require(await instance.readyChild)
    Glibc.kill(old.process.pid, SIGKILL)
    #expect(await eventually { await instance.status.state != .ready })
    gated.starts.set(shut: true)
    async let started: Void = instance.start()
    #expect(await eventually { await instance.status.state == .starting })

    gated.kills.set(shut: true)
    async let late = instance.end(old, .exited)
    try await Task.sleep(for: .milliseconds(100))
    gated.starts.set(shut: false)
    try await started
    gated.kills.set(shut: false)
    #expect(await late.status == .killed, "it is told how its own child ended")

    let new = try #require(await instance.readyChild)
    let status = await instance.status
    #expect(status.state == .ready && status.crashes == 1)
    Glibc.kill(new.process.pid, SIGKILL)
    #expect(await eventually { !instance.isRunning }, "its end was seen")
    #expect(try await instance.call("list_images", Stage.scfg)["total"] == 1000)
    try await stage.finish(instance)
  }

  /// A read is asked again of the next child, a change is not.
  @Test(arguments: ["list_images", "alloc_image"]) func aReadThatTheLauncherTookAlongIsAskedAgain(
    _ method: String
  ) async throws {
    let stage = try Stage()
    let launcher = GatedLauncher(stage.launcher, takesPluginsAlong: true)
    let instance = try stage.instance(of: stage.bundle("honest"), launcher: launcher)
    try await instance.start()
    let old = try #require(await instance.readyChild)
    let outcome = Task { () -> Result<JSON, StorageError> in
      do throws(StorageError) {
        return .success(try await instance.call(method, Stage.scfg("sleep", ["seconds": 1])))
      } catch {
        return .failure(error)
      }
    }
    #expect(await eventually { await instance.status.runningCalls == 1 })
    Glibc.kill(old.process.pid, SIGKILL)
    switch await outcome.value {
    case .success(let answer): #expect(method == "list_images" && answer["total"] == 1000)
    case .failure(let error): #expect(method == "alloc_image" && error.code == .pluginCrashed, "\(error)")
    }
    let status = await instance.status
    #expect(status.crashes == 0 && status.epoch == (method == "list_images" ? 2 : 1))
    try await stage.finish(instance)
  }

  /// Whoever reads an export has some of it already.
  @Test func anExportThatTheLauncherTookAlongIsNotBegunAgain() async throws {
    let stage = try Stage()
    let launcher = GatedLauncher(stage.launcher, takesPluginsAlong: true)
    let instance = try stage.instance(of: stage.bundle("honest"), launcher: launcher)
    var params = Stage.scfg("die", ["size": 4_000_000])
    params["volname"] = "100/vm-100-disk-0.raw"
    params["format"] = "raw+size"
    let request = params
    let error = await failure { () throws(StorageError) in
      try await instance.export("volume_export", request, to: .bytes { _ in })
    }
    #expect(error?.code == .pluginCrashed)
    #expect(error?.message.contains("together with the launcher") == true, "\(String(describing: error))")
    #expect(await instance.status.epoch == 1)
    try await stage.finish(instance)
  }

  /// One that answers the handshake and ends with its launcher before the instance has noticed: it was taken for ready,
  /// and the start that its end began went on beside the next.
  @Test func oneThatEndsAsItIsStartedHasNoTwoSuccessors() async throws {
    let stage = try Stage()
    let launcher = GatedLauncher(stage.launcher, takesPluginsAlong: true)
    let instance = try stage.instance(of: stage.bundle("greets_and_goes"), launcher: launcher)
    // The instance is busy for a while whenever it is to go on.
    let others = Task { while !Task.isCancelled { await instance.hesitate() } }
    // Whether anyone saw it ready does not matter.
    for _ in 0..<10 { try? await instance.start() }
    others.cancel()
    #expect(launcher.mostAtOnce == 1)
    try await stage.finish(instance)
  }
}

extension PluginInstance {
  fileprivate var readyChild: PluginChild? { ready.withLock { $0 } }
  fileprivate func hesitate() { usleep(20_000) }
}
