// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import PluginSupervisor
import StorageHost
import StorageProtocol
import Synchronization
import TestSupport
import Testing

/// Plugins that come, change and go while the host runs.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct RescanTests {
  static let id = "org.berth.test.scripted"
  static let more = """
    {"fs": [{"path": "${config.path}", "access": "rw", "reason": "its directory"},
            {"path": "/srv", "access": "ro", "reason": "more"}]}
    """

  /// What the workers of one test share.
  final class Load: Sendable {
    let isOver = Atomic(false)
    let done = Atomic(0)
  }

  private func version(_ host: StorageHost) async -> String? {
    await host.processes(of: Self.id).first { $0.pid != nil }?.version
  }

  /// Whether a version comes to serve the storage once somebody asks for it.
  private func serves(_ wanted: String, _ host: StorageHost) async -> Bool {
    await eventually {
      _ = try? await host.list("s1", .host)
      return await version(host) == wanted
    }
  }

  private func change(_ host: StorageHost, _ plugin: String = Self.id) async throws -> PluginChange {
    try #require(try await host.rescanPlugins(.host).first { $0.plugin == plugin })
  }

  @Test func aNewBundleServesAtOnce() async throws {
    try await HostFixture.run { fixture, host in
      try fixture.install("plainother")
      let changes = try await host.rescanPlugins(fixture.caller)
      #expect(changes.map(\.kind) == [.added, .unchanged], "\(changes)")
      try await fixture.add("s2", to: host, type: "plainother")
      _ = try await host.alloc("s2", vmid: 100, size: 4_096, fixture.caller)
    }
  }

  @Test func anUpgradeUnderLoadFailsNoCall() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      let load = Load()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<6 {
          group.addTask {
            while !load.isOver.load(ordering: .relaxed) {
              let volid = try await host.alloc("s1", vmid: 100 + worker, size: 4_096, caller)
              let volname = String(volid.dropFirst(3))
              _ = try await host.resize("s1", volname, size: 8_192, caller)
              let found = try await host.list("s1", vmid: 100 + worker, caller).volumes.map(\.volname)
              #expect(found == [volname])
              try await host.free("s1", volname, caller)
              load.done.add(1, ordering: .relaxed)
            }
          }
        }
        for number in 1...4 {
          let before = load.done.load(ordering: .relaxed)
          #expect(await eventually { load.done.load(ordering: .relaxed) >= before + 6 })
          if number == 3 { try await upgradeBadly(fixture, host, load) }
          try fixture.install("scripted", version: "1.\(number).0")
          let change = try await change(host)
          #expect(change.kind == .changed && change.earlierVersion == "1.\(number - 1).0", "\(change)")
          #expect(change.storages.allSatisfy { $0.state == .usable || $0.state == .switching })
          #expect(await eventually { await version(host) == "1.\(number).0" })
        }
        load.isOver.store(true, ordering: .relaxed)
        try await group.waitForAll()
      }
      #expect(await version(host) == "1.4.0")
      #expect(try fixture.files().isEmpty)
      try await fixture.expectSettled(host)
    }
  }

  /// A version in between that ends before it greets: the workers go on with the one before.
  private func upgradeBadly(_ fixture: HostFixture, _ host: StorageHost, _ load: Load) async throws {
    try fixture.install("scripted", version: "1.2.5", changing: Self.dying)
    let before = load.done.load(ordering: .relaxed)
    let change = try await change(host)
    #expect(change.kind == .refused && change.version == "1.2.0", "\(change)")
    #expect(change.problem?.contains("version 1.2.5 was tried with storage 's1' and does not run") == true, "\(change)")
    #expect(change.storages.allSatisfy { $0.state == .usable })
    #expect(await eventually { load.done.load(ordering: .relaxed) >= before + 12 })
    #expect(await version(host) == "1.2.0")
  }

  static let dying: @Sendable (String) -> String = {
    $0.replacingOccurrences(of: "lock = threading.Lock()", with: "sys.exit('not ready')\nlock = threading.Lock()")
  }

  enum Fault: String, CaseIterable {
    case dies, lies, hangs, babbles

    func put(into program: String) -> String {
      switch self {
      case .dies: RescanTests.dying(program)
      case .lies: program.replacingOccurrences(of: "\"2.0.0\"", with: "\"1.9.9\"")
      case .hangs:
        program.replacingOccurrences(of: "for line in sys.stdin:", with: "for line in iter(lambda: time.sleep(9), 0):")
      case .babbles: program.replacingOccurrences(of: "os.umask(0o077)", with: "print('hello\\n' * 9, flush=True)")
      }
    }
  }

  @Test(arguments: Fault.allCases)
  func aVersionThatDoesNotRunLeavesTheOldOneInForce(fault: Fault) async throws {
    let fixture = try HostFixture()
    var settings = fixture.settings
    settings.adjust = { $0.handshakeTimeout = .seconds(2) }
    let caller = fixture.caller
    let copies = fixture.directory.file("state/bundles/\(Self.id)")
    func isOld(_ host: StorageHost) async throws {
      #expect(try await host.list("s1", caller).volumes.count == 1)
      #expect(await version(host) == "1.0.0")
      let plugin = try await host.plugin(Self.id)
      #expect(plugin.version == "1.0.0" && plugin.problem == nil)
      #expect(plugin.refusedUpdate?.contains("version 2.0.0 was tried") == true, "\(plugin)")
      #expect(try await host.storage("s1").problem == nil)
    }
    var host = try await StorageHost.open(settings)
    try await fixture.add("s1", to: host)
    _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
    #expect(await eventually { FileManager.default.fileExists(atPath: copies + "/good.json") })
    let pid = try #require(await host.processes(of: Self.id).first?.pid)
    try fixture.install("scripted", version: "2.0.0", changing: fault.put)
    let found = try await change(host)
    #expect(
      found.kind == .refused && found.version == "1.0.0" && found.hint?.contains("a copy is kept") == true, "\(found)")
    #expect(await host.processes(of: Self.id).first?.pid == pid, "the old one was not touched")
    try await isOld(host)
    // It ends; what lies in its place is still the new one.
    kill(pid, SIGKILL)
    #expect(
      await eventually {
        let isListed = (try? await host.list("s1", caller)) != nil
        let now = await host.processes(of: Self.id).first?.pid
        return isListed && now != nil && now != pid
      })
    try await isOld(host)
    await host.close(grace: .milliseconds(100))
    // A restart of the daemon changes nothing about it.
    host = try await StorageHost.open(settings)
    try await isOld(host)
    if fault == .dies {
      // Without a copy it says so.
      try FileManager.default.removeItem(atPath: copies)
      for process in await host.processes(of: Self.id) { if let pid = process.pid { kill(pid, SIGKILL) } }
      var last: StorageError?
      #expect(
        await eventually {
          do throws(StorageError) { _ = try await host.list("s1", caller) } catch { last = error }
          return last?.message.contains("no copy of version 1.0.0 is left to start from") == true
        }, "\(String(describing: last))")
    }
    try fixture.install("scripted", version: "2.0.1")
    #expect(try await change(host).kind == .changed)
    #expect(await serves("2.0.1", host))
    #expect(
      await eventually {
        (try? String(contentsOfFile: copies + "/good.json", encoding: .utf8))?.contains("plugins/scripted") == true
      })
    try FileManager.default.removeItem(atPath: fixture.directory.file("plugins/scripted"))
    #expect(try await change(host).kind == .removed)
    #expect(!FileManager.default.fileExists(atPath: copies), "what was removed is not kept")
    await host.close(grace: .milliseconds(100))
  }

  @Test func aVersionThatWaitedForConsentIsTriedThen() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      let copies = fixture.directory.file("state/bundles/\(Self.id)")
      #expect(await eventually { FileManager.default.fileExists(atPath: copies + "/good.json") })
      try fixture.install("scripted", version: "2.0.0", permissions: Self.more, changing: Self.dying)
      let found = try await change(host)
      #expect(found.storages.first?.state == .consent, "\(found)")
      _ = try await host.grantPermissions("s1", nil, digest: found.digest ?? "", caller)
      #expect(try await host.list("s1", caller).volumes.count == 1)
      #expect(await version(host) == "1.0.0")
      #expect(try await host.plugin(Self.id).refusedUpdate?.contains("2.0.0 was tried") == true)
    }
  }

  @Test func aLongOperationEndsWithItsVersionAndHoldsNobodyUp() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, caller)
      try fixture.order("volume_resize before wait")
      async let resized = host.resize("s1", "100/vm-100-disk-0.raw", size: 1 << 20, caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      try fixture.install("scripted", version: "2.0.0")
      let found = try await change(host)
      #expect(found.kind == .changed && found.storages.first?.state == .switching, "\(found)")
      // Others wait a moment for it, then go on beside it, with the version that runs.
      #expect(try await host.list("s1", caller).volumes.count == 1)
      #expect(await version(host) == "1.0.0")
      fixture.letGo()
      #expect(try await resized == 1 << 20)
      #expect(await serves("2.0.0", host))
      try await fixture.expectSettled(host)
    }
  }

  @Test func moreMayNotBeTakenBeforeSomeoneAgrees() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, caller)
      try fixture.order("volume_resize before wait")
      async let resized = host.resize("s1", "100/vm-100-disk-0.raw", size: 1 << 20, caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      try fixture.install("scripted", version: "2.0.0", permissions: Self.more)
      let found = try await change(host)
      let effect = try #require(found.storages.first)
      #expect(effect.state == .consent && effect.message?.contains("asks for more: fs ro /srv") == true, "\(effect)")
      #expect(effect.hint?.contains("permissions grant --storage s1") == true)
      let refused = await #expect(throws: StorageError.self) { try await host.list("s1", caller) }
      #expect(refused?.code == .permissionDenied)
      // What was under way is not disturbed.
      fixture.letGo()
      #expect(try await resized == 1 << 20)
      #expect(await eventually { await version(host) == nil }, "the old one ends when its work is done")
      _ = try await host.grantPermissions("s1", nil, digest: found.digest ?? "", caller)
      #expect(try await host.list("s1", caller).volumes.first?.size == 1 << 20)
      #expect(await version(host) == "2.0.0")
    }
  }

  @Test func aRemovedBundleDisablesItsStoragesAndLosesNothing() async throws {
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, caller)
      let text = try String(contentsOfFile: fixture.directory.file("state/storage.cfg"), encoding: .utf8)
      let bundle = fixture.directory.file("plugins/scripted")
      try FileManager.default.moveItem(atPath: bundle, toPath: fixture.directory.file("away"))
      let found = try await change(host)
      #expect(found.kind == .removed && found.earlierVersion == "1.0.0" && found.path == bundle)
      #expect(found.storages.first?.state == .disabled)
      let refused = await #expect(throws: StorageError.self) { try await host.list("s1", caller) }
      #expect(refused?.code == .storageUnavailable, "\(String(describing: refused))")
      #expect(refused?.message.contains("its plugin \(Self.id) 1.0.0 no longer serves") == true)
      #expect(refused?.message.contains(bundle) == true && refused?.hint?.contains("plugin rescan") == true)
      #expect(try await host.storage("s1").problem?.contains("no longer serves") == true)
      #expect(await eventually { await version(host) == nil }, "its process is gone too")
      #expect(try String(contentsOfFile: fixture.directory.file("state/storage.cfg"), encoding: .utf8) == text)
      try FileManager.default.moveItem(atPath: fixture.directory.file("away"), toPath: bundle)
      #expect(try await change(host).kind == .added)
      #expect(try await host.list("s1", caller).volumes.count == 1, "consent and volumes are as they were")
    }
  }

  @Test func aBrokenBundleHidesNothingAndTheOldOneGoesOn() async throws {
    let fixture = try HostFixture(types: ["scripted", "plainother"])
    try await fixture.once(adding: ["s1"]) { host in
      let caller = fixture.caller
      try await fixture.add("s2", to: host, type: "plainother")
      _ = try await host.list("s1", caller)
      fixture.directory.write("plugins/scripted/manifest.json", "{\"id\": 7}")
      mkdir(fixture.directory.file("plugins/half"), 0o755)
      fixture.directory.write("plugins/half/manifest.json", "")
      let changes = try await host.rescanPlugins(caller)
      let broken = try #require(changes.first { $0.plugin == Self.id })
      #expect(broken.kind == .refused && broken.version == "1.0.0", "\(changes)")
      #expect(broken.problem?.contains("plugins/scripted/manifest.json") == true)
      #expect(broken.hint?.contains("berth plugin rescan") == true)
      #expect(changes.contains { $0.plugin == nil && $0.kind == .refused && $0.path.hasSuffix("/half") }, "\(changes)")
      #expect(changes.contains { $0.plugin == "org.berth.test.plainother" && $0.kind == .unchanged })
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      _ = try await host.alloc("s2", vmid: 100, size: 4_096, caller)
      try fixture.install("scripted", version: "1.1.0")
      #expect(try await change(host).kind == .changed)
      #expect(try await host.list("s1", caller).volumes.count == 1)
      #expect(await version(host) == "1.1.0")
    }
  }

  @Test func aChangedBundleIsNoticedWhenItsPluginStarts() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.list("s1", fixture.caller)
      let pid = try #require(await host.processes(of: Self.id).first?.pid)
      try fixture.install("scripted", version: "3.0.0")
      kill(pid, SIGKILL)
      #expect(await serves("3.0.0", host))
      #expect(try await host.rescanPlugins(fixture.caller).allSatisfy { $0.kind == .unchanged })
    }
  }
}
