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

@Suite(.serialized, .requires(.root), .timeLimit(.minutes(3))) struct SupervisorTests {
  let stage: Stage

  init() throws { stage = try Stage() }

  private func supervisor() throws -> Supervisor {
    var settings = SupervisorSettings(
      stateDirectory: "\(stage.directory)/plugin-state", runDirectory: "\(stage.directory)/run",
      host: HostInfo(name: "berth", version: "0", node: "test"), mode: .privileged)
    settings.adjust = { $0.restart = RestartPolicy(firstDelay: .milliseconds(50)) }
    let base = Stage.nextUID.wrappingAdd(100, ordering: .relaxed).oldValue + 1
    let uids = UIDAllocator(path: "\(stage.directory)/uids.json", range: base..<base + 50)
    return try Supervisor(
      settings: settings, launcher: SandboxLauncher(stage.launcher), uids: uids, logger: stage.log.logger)
  }

  private func storage(_ bundle: PluginBundle, _ storeid: String) -> SupervisedStorage {
    SupervisedStorage(
      bundle: bundle, storeid: storeid, type: bundle.manifest.storageTypes[0].type, permissions: Permissions())
  }

  @Test func everyStorageHasAProcessAUserAndAStateOfItsOwn() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest")
    var uids: [UInt32] = []
    for storeid in ["one", "two"] {
      let instance = try await supervisor.instance(for: storage(bundle, storeid), services: NoHostServices())
      #expect(try await supervisor.instance(for: storage(bundle, storeid), services: NoHostServices()) === instance)
      #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 1)
      uids.append(try #require(await instance.status.uid))
    }
    #expect(Set(uids).count == 2)
    #expect(await supervisor.status().map(\.storeid) == ["one", "two"])
    #expect(await supervisor["one"] != nil)
    #expect(await supervisor.drain(reason: "test") == [])
    for uid in uids { #expect(Stage.processes(of: uid) == []) }
    #expect(await supervisor.status() == [])
    let error = await failure { () throws(StorageError) in
      try await supervisor.instance(for: storage(bundle, "one"), services: NoHostServices())
    }
    #expect(error?.code == .shuttingDown)
  }

  /// The longest ids that a storage may have, alike but for their ends.
  @Test func theLongestStorageIdsStartAsWell() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest")
    let beginning = String(repeating: "abc-", count: 24) + "abc"
    for storeid in [beginning + "x", beginning + "y"] {
      #expect(storeid.utf8.count == 100)
      let instance = try await supervisor.instance(for: storage(bundle, storeid), services: NoHostServices())
      #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 1)
      #expect(await instance.status.crashes == 0)
    }
    let leaves = ControlGroups.leaves(scope: stage.launcher.scope).compactMap { $0.split(separator: "/").last }
    #expect(Set(leaves).count == 2 && leaves.allSatisfy { $0.hasPrefix("abc-") }, "\(leaves)")
    #expect(await supervisor.drain(reason: "test") == [])
  }

  @Test func oneStoragesCrashReachesNoOther() async throws {
    let supervisor = try supervisor()
    let good = try await supervisor.instance(
      for: storage(try stage.bundle("honest"), "good"), services: NoHostServices())
    let bad = try await supervisor.instance(for: storage(try stage.bundle("dies"), "bad"), services: NoHostServices())
    try await good.start()
    let epoch = await good.status.epoch
    for _ in 0..<3 {
      _ = await failure { () throws(StorageError) in try await bad.call("list_images", Stage.scfg) }
      #expect(try await good.call("list_images", Stage.scfg)["total"] == 1000)
    }
    #expect(await good.status.epoch == epoch)
    #expect(await bad.status.crashes == 3)
    await supervisor.drain(reason: "test")
  }

  @Test func aSharedProcessServesAllItsStorages() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest") { $0["process"] = "per-plugin" }
    let one = try await supervisor.instance(for: storage(bundle, "one"), services: NoHostServices())
    let two = try await supervisor.instance(for: storage(bundle, "two"), services: NoHostServices())
    #expect(one === two)
    #expect(try await one.call("list_images", Stage.scfg)["total"] == 1000)
    try await supervisor.remove("one", reason: "test")
    #expect(await supervisor["one"] == nil)
    #expect(try await two.call("list_images", Stage.scfg)["total"] == 1000)
    await supervisor.drain(reason: "test")
  }

  @Test func aCandidateLeavesNothing() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest")
    let candidate = try await supervisor.candidate(for: storage(bundle, "new"), services: NoHostServices())
    #expect(try await candidate.call("list_images", Stage.scfg)["total"] == 1000)
    let uid = try #require(await candidate.status.uid)
    await supervisor.finish(candidate)
    #expect(Stage.processes(of: uid) == [])
    #expect(listing("\(stage.directory)/plugin-state") == [])
    #expect(listing("\(stage.directory)/run") == [])
    #expect(await supervisor.status() == [])
  }

  @Test func forgettingAStorageRemovesItsState() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest")
    let instance = try await supervisor.instance(for: storage(bundle, "gone"), services: NoHostServices())
    #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 1)
    // In an image of limited size where this machine can, else in a directory.
    let kept = listing("\(stage.directory)/plugin-state")
    #expect(kept.contains("gone.img") || listing("\(stage.directory)/plugin-state/gone") == ["count"], "\(kept)")
    try await supervisor.forget("gone", plugin: bundle.id)
    #expect(listing("\(stage.directory)/plugin-state") == [])
    let again = try await supervisor.instance(for: storage(bundle, "gone"), services: NoHostServices())
    #expect(try await again.call("list_images", Stage.scfg("state"))["said"] == 1)
    await supervisor.drain(reason: "test")
  }

  @Test func whatAnEarlierRunLeftIsRemoved() async throws {
    let supervisor = try supervisor()
    let streams = "\(stage.directory)/run/one/streams"
    _ = try StreamDirectory(path: streams, owner: nil).makeFIFO(id: "s1-1")
    #expect(listing(streams) == ["s1-1"])
    await supervisor.removeLeftovers()
    #expect(listing(streams) == [])
  }

  @Test func aCallMayBeReplayedAfterACrash() async throws {
    let instance = try stage.instance("dies")
    var options = CallOptions()
    options.replaysAfterCrash = 2
    let context = CallContext(idempotencyKey: "k")
    let wanted = options
    let error = await failure { () throws(StorageError) in
      try await instance.call("alloc_image", Stage.scfg, context: context, options: wanted)
    }
    #expect(error?.code == .pluginCrashed)
    #expect(await instance.status.crashes == 3, "sent once and twice again")
    try await stage.finish(instance)
  }
}
