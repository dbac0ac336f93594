// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import PluginSupervisor
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import StorageHost

/// When storages are asked for their status: those at rest are not woken by it.
@Suite(.timeLimit(.minutes(5))) struct StatusSamplerTests {
  private final class Storages: Sendable {
    struct State {
      var asked: [String: Int] = [:]
      var atOnce = 0
      var most = 0
    }
    let state = Mutex(State())

    func ask(_ storeid: String) async {
      state.withLock { state in
        state.asked[storeid, default: 0] += 1
        state.atOnce += 1
        state.most = max(state.most, state.atOnce)
      }
      try? await Task.sleep(for: .milliseconds(2))
      state.withLock { $0.atOnce -= 1 }
    }
  }

  @Test func storagesAtRestAreAskedOnceAndAFewAtATime() async throws {
    let sampler = StatusSampler(interval: .milliseconds(5), restingInterval: .seconds(3_600), now: { 1 })
    let storages = Storages()
    let ids = (0..<200).map { "s\($0)" }
    let sampling = Task {
      await sampler.run(storages: { ids }, isRunning: { $0 == "s7" }) { storeid throws(StorageError) in
        await storages.ask(storeid)
        return ["active": true]
      }
    }
    #expect(await eventually(within: .seconds(60)) { storages.state.withLock { $0.asked.count } == ids.count })
    #expect(await eventually { storages.state.withLock { $0.asked["s7"] ?? 0 } > 5 }, "it runs, so it is asked often")
    sampling.cancel()
    let asked = storages.state.withLock { $0 }
    #expect(asked.asked.filter { $0.key != "s7" }.allSatisfy { $0.value == 1 })
    #expect(asked.most <= StatusSampler.restingAtOnce + 1)
    #expect(await sampler.sample("s199")?.isActive == true)
  }

  @Test func storagesAtRestAreAskedAgainAfterTheirTime() async throws {
    let sampler = StatusSampler(interval: .milliseconds(5), restingInterval: .milliseconds(50), now: { 1 })
    let storages = Storages()
    let sampling = Task {
      await sampler.run(storages: { ["s1"] }, isRunning: { _ in false }) { storeid throws(StorageError) in
        await storages.ask(storeid)
        return [:]
      }
    }
    #expect(await eventually { storages.state.withLock { $0.asked["s1"] ?? 0 } >= 3 })
    sampling.cancel()
  }

  @Test(.requires(.root)) func aStorageNobodyUsesComesToRestAndKeepsItsLastSample() async throws {
    let fixture = try HostFixture()
    var settings = fixture.settings
    settings.statusInterval = .milliseconds(50)
    settings.adjust = { $0.idleLimit = .milliseconds(500) }
    let host = try await StorageHost.open(settings)
    try await fixture.add("s1", to: host)
    #expect(await eventually { await host.status().first?.isActive == true })
    #expect(await eventually(within: .seconds(30)) { await host.status().first?.process == "idle" })
    try await Task.sleep(for: .milliseconds(500))
    let resting = await host.status().first
    #expect(resting?.process == "idle", "samples do not wake it")
    #expect(resting?.isActive == true && resting?.total == 1_000, "its last sample is told")
    #expect(resting?.ageMs ?? 0 >= 500)
    let fresh = try await host.status("s1", isFresh: true, fixture.caller)
    #expect(fresh.process == "ready" && fresh.ageMs ?? .max < 500)
    await host.close(grace: .milliseconds(100))
  }

  @Test(.requires(.root)) func aStartOfTheDaemonSamplesStoragesAndLeavesNoneRunning() async throws {
    let fixture = try HostFixture()
    var settings = fixture.settings
    settings.statusInterval = .milliseconds(50)
    var host = try await StorageHost.open(settings)
    for storeid in ["s1", "s2", "s3"] { try await fixture.add(storeid, to: host) }
    await host.close(grace: .milliseconds(100))
    host = try await StorageHost.open(settings)
    let opened = host
    #expect(
      await eventually(within: .seconds(30)) {
        await opened.status().allSatisfy { $0.isActive && $0.process == "idle" }
      })
    _ = try await host.alloc("s2", vmid: 100, size: 4_096, fixture.caller)
    try await Task.sleep(for: .milliseconds(300))
    #expect(await host.status().map(\.process) == ["idle", "ready", "idle"], "the one in use goes on")
    await host.close(grace: .milliseconds(100))
  }
}
