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

  private func supervisor(broker: (any BrokerPlaces)? = nil) throws -> Supervisor {
    var settings = SupervisorSettings(
      stateDirectory: "\(stage.directory)/plugin-state", runDirectory: "\(stage.directory)/run",
      host: HostInfo(name: "berth", version: "0", node: "test"), mode: .privileged)
    settings.broker = broker
    settings.adjust = { $0.restart = RestartPolicy(firstDelay: .milliseconds(50)) }
    let base = Stage.nextUID.wrappingAdd(100, ordering: .relaxed).oldValue + 1
    let uids = UIDAllocator(path: "\(stage.directory)/uids.json", range: base..<base + 50)
    return try Supervisor(
      settings: settings, launcher: SandboxLauncher(stage.launcher), uids: uids, logger: stage.log.logger)
  }

  private func storage(
    _ bundle: PluginBundle, _ storeid: String, _ permissions: Permissions = Permissions()
  ) -> SupervisedStorage {
    SupervisedStorage(
      bundle: bundle, storeid: storeid, type: bundle.manifest.storageTypes[0].type, permissions: permissions)
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

  /// Nothing that is no storage has a name that a storage could have.
  @Test func aStorageMayBeNamedLikeAnything() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest")
    let place = try stage.write("honest", as: "shared") { manifest in
      manifest["process"] = "per-plugin"
      manifest["id"] = "org.example.shared"
    }
    let shared = try PluginBundle.read(place)
    var uids: [UInt32] = []
    var kept: [PluginInstance] = []
    for (bundle, storeid) in [(bundle, "candidate-1"), (bundle, "org.example.shared"), (shared, "other")] {
      let instance = try await supervisor.instance(for: storage(bundle, storeid), services: NoHostServices())
      #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 1, "\(storeid)")
      uids.append(try #require(await instance.status.uid))
      kept.append(instance)
    }
    let candidate = try await supervisor.candidate(for: storage(bundle, "new"), services: NoHostServices())
    _ = try await candidate.call("list_images", Stage.scfg)
    uids.append(try #require(await candidate.status.uid))
    #expect(Set(uids).count == 4, "\(uids)")
    await supervisor.finish(candidate)
    try await supervisor.forget("other", plugin: shared.id, isLast: true)
    for instance in kept.prefix(2) {
      #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 2)
      try await instance.stop(reason: "test")
      #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 3, "its state is still there")
    }
    await supervisor.drain(reason: "test")
  }

  /// The process has the grants of both storages; what it asks of the host counts as asked for one.
  @Test func aSharedProcessAsksForOneStorageAtATime() async throws {
    let places = NotedPlaces()
    let supervisor = try supervisor(broker: places)
    let bundle = try stage.bundle("honest") { manifest in
      manifest["process"] = "per-plugin"
      manifest["permissions"] = [
        "broker": [["operation": "host.loop.*", "reason": "test", "optional": true]],
        "fs": [["path": "/srv", "access": "ro", "reason": "test", "optional": true]],
      ]
    }
    let services = TestServices()
    let more = Permissions(
      files: [FilePermission(path: stage.directory, access: .readOnly)], broker: [BrokerPermission("host.loop.*")])
    // The one with less comes first: what the process may do is not fixed by it.
    let less = try await supervisor.instance(for: storage(bundle, "less"), services: services)
    #expect(await supervisor.needsRestart(for: storage(bundle, "more", more)) == false, "nothing runs yet")
    _ = try await less.call("list_images", ["storeid": "less", "scfg": [:]])
    #expect(await supervisor.needsRestart(for: storage(bundle, "more", more)))
    let instance = try await supervisor.instance(for: storage(bundle, "more", more), services: services)
    #expect(instance === less)
    func ask(_ storeid: String) async throws -> JSON? {
      try await instance.call("list_images", ["storeid": .string(storeid), "scfg": ["do": "detach"]])["said"]
    }
    #expect(try await ask("more")?["message"]?.stringValue?.contains("no broker here") == true)
    #expect(try await ask("less")?["message"]?.stringValue?.contains("not granted") == true)
    #expect(try await ask("nobody")?["message"]?.stringValue?.contains("not served") == true)
    let asked = services.asked.withLock { $0 }
    #expect(asked.map(\.storeid) == ["more"] && asked.map(\.holder) == ["more"])
    #expect(asked.first?.permissions == more, "its own, not everybody's")
    #expect(await instance.status.epoch == 2, "started again with what the second one was granted")
    #expect(await supervisor.needsRestart(for: storage(bundle, "less")) == false)

    // What a storage holds goes with it, what they share with the last one.
    let uid = try #require(await instance.status.uid)
    try await supervisor.forget("more", plugin: bundle.id, isLast: false)
    #expect(places.released.withLock { $0 } == ["more"])
    #expect(listing("\(stage.directory)/plugin-state").contains { $0.hasPrefix("_org.example.honest") })
    #expect(try await ask("more")?["message"]?.stringValue?.contains("not served") == true)
    _ = try await instance.call("list_images", ["storeid": "less", "scfg": [:]])
    try await supervisor.forget("less", plugin: bundle.id, isLast: true)
    #expect(places.released.withLock { $0 } == ["more", "less", "_org.example.honest"])
    #expect(listing("\(stage.directory)/plugin-state") == [])
    #expect(Stage.processes(of: uid) == [])
    await supervisor.drain(reason: "test")
  }

  /// Whoever leaves a shared process waits for nobody, and nobody's call ends for it.
  @Test func aStorageLeavesASharedProcessWithoutEndingOthersCalls() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest") { $0["process"] = "per-plugin" }
    let more = Permissions(files: [FilePermission(path: stage.directory, access: .readOnly)])
    let instance = try await supervisor.instance(for: storage(bundle, "one"), services: NoHostServices())
    _ = try await supervisor.instance(for: storage(bundle, "two", more), services: NoHostServices())
    try await instance.start()
    let call = Task {
      try await instance.call("list_images", ["storeid": "one", "scfg": ["do": "sleep", "seconds": 2]])
    }
    #expect(await eventually { await instance.status.runningCalls == 1 })
    try await supervisor.remove("two", reason: "test")
    #expect(try await call.value["total"] == 1000)
    // Then it starts again with less.
    #expect(await eventually { await instance.status.state != .ready })
    _ = try await instance.call("list_images", ["storeid": "one", "scfg": [:]])
    #expect(await instance.status.epoch == 2)
    await supervisor.drain(reason: "test")
  }

  @Test func forgettingAStorageRemovesItsState() async throws {
    let supervisor = try supervisor()
    let bundle = try stage.bundle("honest")
    let instance = try await supervisor.instance(for: storage(bundle, "gone"), services: NoHostServices())
    #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 1)
    // In an image of limited size where this machine can, else in a directory.
    let kept = listing("\(stage.directory)/plugin-state")
    #expect(kept.contains("gone.img") || listing("\(stage.directory)/plugin-state/gone") == ["count"], "\(kept)")
    try await supervisor.forget("gone", plugin: bundle.id, isLast: true)
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

/// A broker that makes nothing, and notes whose things are released.
private final class NotedPlaces: BrokerPlaces {
  let released = Mutex<[String]>([])

  func prepare(_ directory: String) async throws(StorageError) {}

  func release(holder: String, directory: String) async { released.withLock { $0.append(holder) } }

  func unavailable(of services: Set<String>) async -> Set<String> { [] }
}
