// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct StorageTests {
  @Test func addingRunsTheHookKeepsTheSecretApartAndRecordsConsent() async throws {
    try await HostFixture.run(adding: []) { fixture, host in
      let change = try await fixture.add("s1", to: host, ["password": "hunter2", "level": 3])
      #expect(change.show["key"]?["value"] == "shown-once")
      let storage = try #require(change.storage)
      #expect(storage.config?["derived"] == "by-hook")
      #expect(storage.config?["level"] == 3)
      #expect(storage.secrets == ["password"])
      #expect(storage.problem == nil)
      let file = try String(contentsOfFile: fixture.directory.file("state/storage.cfg"), encoding: .utf8)
      #expect(!file.contains("hunter2"))
      let database = try Data(contentsOf: URL(fileURLWithPath: fixture.directory.file("state/berth.sqlite-wal")))
      #expect(database.range(of: Data("hunter2".utf8)) == nil)
      let added = try String(contentsOfFile: fixture.data("s1") + "/.added", encoding: .utf8)
      #expect(added.contains("password"))
      #expect(!added.contains("hunter2"))
    }
  }

  @Test(arguments: ["on_add_hook before die", "on_add_hook after error not_started", "activate_storage before die"])
  func aFailedAddLeavesNothing(fault: String) async throws {
    try await HostFixture.run(adding: []) { fixture, host in
      try FileManager.default.createDirectory(atPath: fixture.data("s1"), withIntermediateDirectories: true)
      try fixture.order(fault)
      let error = await #expect(throws: StorageError.self) { try await fixture.add("s1", to: host) }
      #expect(error?.outcome == .rolledBack || error?.outcome == .unknown)
      #expect(try await host.storages().isEmpty)
      #expect(!FileManager.default.fileExists(atPath: fixture.data("s1") + "/.added"))
      try await fixture.expectSettled(host)
      try await fixture.add("s1", to: host)
      #expect(try await host.storages().map(\.storeid) == ["s1"])
    }
  }

  @Test func changesAreCheckedAndADigestFromYesterdayConflicts() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      let digest = try await host.configDigest()
      let changed = try await host.updateStorage("s1", values: ["level": 5], digest: digest, caller)
      #expect(changed.storage?.config?["level"] == 5)
      let stale = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["level": 6], digest: digest, caller)
      }
      #expect(stale?.details["reason"] == "DIGEST_CONFLICT")
      let refused = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["level": 13], caller)
      }
      #expect(refused?.code == .configInvalid)
      let fixed = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["path": "/elsewhere"], caller)
      }
      #expect(fixed?.code == .configInvalid)
      #expect(try await host.storage("s1").config?["level"] == 5)
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      try await host.removeStorage("s1", caller)
      #expect(try await host.storages().isEmpty)
      #expect(try fixture.files().count == 1)
    }
  }

  @Test func aBrokenSectionDisablesItselfOnly() async throws {
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { _ in }
    let path = fixture.directory.file("state/storage.cfg")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let more = "\nscripted: broken\n\tlevel nonsense\n\nunheardof: alien\n\tpath /x\n"
    try Data((text + more).utf8).write(to: URL(fileURLWithPath: path))
    try await fixture.once { host in
      let all = try await host.storages()
      #expect(all.map(\.storeid) == ["s1", "broken", "alien"])
      let isUsable = all.map { $0.problem == nil }
      #expect(isUsable == [true, false, false])
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      try await host.removeStorage("broken", fixture.caller)
      try await host.removeStorage("alien", fixture.caller)
      #expect(try await host.storages().map(\.storeid) == ["s1"])
    }
  }

  @Test func aSecondDaemonIsRefusedNamingTheFirst() async throws {
    try await HostFixture.run { fixture, _ in
      let error = await #expect(throws: StorageError.self) { try await StorageHost.open(fixture.settings) }
      #expect(error?.message.contains("process \(getpid())") == true)
      #expect(error?.hint != nil)
    }
  }

  @Test func statusNeverWaitsForAHungStorage() async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      let good = try await host.status("s1", isFresh: true, fixture.caller)
      #expect(good.isActive)
      #expect(good.total == 1_000)
      try fixture.order("status before hang", on: "s1")
      let asking = Task { try await host.status("s1", isFresh: true, fixture.caller) }
      let other = try await host.status("s2", isFresh: true, fixture.caller)
      #expect(other.isActive)
      let last = await host.status()
      #expect(last.map(\.storeid) == ["s1", "s2"])
      #expect(last.first?.total == 1_000)
      asking.cancel()
      _ = try? await asking.value
    }
  }

  @Test func aStorageIsSampledAtOnceAndNeverCalledInactiveBefore() async throws {
    let fixture = try HostFixture()
    var settings = fixture.settings
    settings.statusInterval = .seconds(3_600)
    var host = try await StorageHost.open(settings)
    try await fixture.add("s1", to: host)
    var known = await host.status().first
    #expect(known?.isActive == true || known?.isSampling == true, "just added: \(String(describing: known))")
    #expect(await eventually { await host.status().first?.isActive == true }, "the sample came with the addition")
    await host.close(grace: .milliseconds(100))
    host = try await StorageHost.open(settings)
    known = await host.status().first
    #expect(known?.isActive == true || known?.isSampling == true, "just started: \(String(describing: known))")
    #expect(await eventually { await host.status().first?.isActive == true }, "the sample came with the start")
    try fixture.order("status before hang")
    _ = try await host.updateStorage("s1", values: ["content": "images"], fixture.caller)
    known = await host.status().first
    #expect(known?.isActive == false)
    #expect(known?.isSampling == true, "what was known of the old configuration is not told of the new one")
    #expect(known?.total == nil)
    await host.close(grace: .milliseconds(100))
  }

  @Test func aPluginThatArrivesLaterNeedsNoRestart() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      try fixture.install("another")
      #expect(await host.plugins().contains { $0.id == "org.berth.test.another" })
      try await fixture.add("s2", to: host, type: "another")
      _ = try await host.alloc("s2", vmid: 100, size: 4_096, fixture.caller)
      #expect(try await fixture.volumes(host) == ["100/vm-100-disk-0.raw"])
    }
  }

  @Test func everyMethodOfTheProtocolHasARoute() throws {
    let unreachable = MethodTable.all.filter { method in
      method.kind == .request && method.annotations.direction == .hostToPlugin
        && method.annotations.group != "lifecycle" && !StorageHost.isReachable(method.name)
    }
    #expect(unreachable.map(\.name).isEmpty)
  }

  @Test func questionsAndDefinitionsAreAnsweredByName() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      #expect(try await host.call("type", on: nil, ["type": "scripted"], caller)["types"] == ["scripted"])
      #expect(try await host.call("api", on: nil, ["type": "scripted"], caller)["version"] == 15)
      #expect(try await host.call("get_formats", on: "s1", [:], caller)["default"] == "raw")
      #expect(try await host.call("check_connection", on: "s1", [:], caller)["connected"] == true)
      let parts = try await host.call("parse_volname", on: "s1", ["volname": "100/vm-100-disk-0.raw"], caller)
      #expect(parts["parts"]?["vmid"] == 100)
      let made = try await host.call("alloc_image", on: "s1", ["vmid": 100, "size": 4_096, "format": "raw"], caller)
      #expect(made["volname"] == "100/vm-100-disk-0.raw")
      let name: JSONObject = ["volname": "100/vm-100-disk-0.raw"]
      #expect(try await host.call("map_volume", on: "s1", name, caller)["path"]?.stringValue?.isEmpty == false)
      let blockdev = try await host.call("qemu_blockdev_options", on: "s1", name, caller)
      #expect(blockdev["blockdev"]?["driver"] == "file")
      let feature = try await host.call(
        "volume_has_feature", on: "s1", ["volname": "100/base-100-disk-0.raw", "feature": "clone"], caller)
      #expect(feature["supported"] == true)
      let error = await #expect(throws: StorageError.self) {
        try await host.call("get_identity", on: "s1", [:], caller)
      }
      #expect(error?.code == .notSupported)
    }
  }
}
