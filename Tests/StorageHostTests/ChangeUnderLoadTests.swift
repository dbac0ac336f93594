// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// Changes of the configuration while operations run: those finish as they began, the next ones go by the change.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct ChangeUnderLoadTests {
  private func base(_ fixture: HostFixture, _ host: StorageHost) async throws -> String {
    _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
    return String(try await host.createBase("s1", "100/vm-100-disk-0.raw", fixture.caller).dropFirst(3))
  }

  private func pid(_ host: StorageHost) async -> Int32? {
    await host.processes(of: "org.berth.test.scripted").first?.pid
  }

  /// The levels with which a storage was activated, in order.
  private func activations(_ fixture: HostFixture, _ storeid: String = "s1") throws -> [String] {
    try String(contentsOfFile: fixture.data(storeid) + "/.activated", encoding: .utf8).split(separator: "\n")
      .map(String.init)
  }

  @Test func aChangeEndsNoOperation() async throws {
    try await HostFixture.run { fixture, host in
      let base = try await base(fixture, host)
      try fixture.order("clone_image middle wait")
      async let clone = host.clone("s1", base, vmid: 300, fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      let before = try #require(await pid(host))
      _ = try await host.updateStorage("s1", values: ["level": 7, "password": "new"], fixture.caller)
      // The next operation goes by the change at once, in the process that is busy.
      _ = try await host.alloc("s1", vmid: 301, size: 4_096, fixture.caller)
      #expect(try activations(fixture).last == "7")
      #expect(await pid(host) == before)
      // Another change on top.
      _ = try await host.updateStorage("s1", values: ["level": 8], fixture.caller)
      #expect(try await host.list("s1", fixture.caller).volumes.count >= 2)
      #expect(try activations(fixture).last == "8")
      fixture.letGo()
      #expect(try await clone.hasSuffix("/300/vm-300-disk-0.raw"))
      // Nobody uses it now: the next process knows nothing of what was before.
      #expect(await eventually { await pid(host) != before })
      _ = try await host.list("s1", fixture.caller)
      #expect(await pid(host) != before)
      try await fixture.expectSettled(host)
    }
  }

  @Test func aRevocationEndsItAtOnce() async throws {
    try await HostFixture.run { fixture, host in
      let base = try await base(fixture, host)
      try fixture.order("clone_image middle wait")
      let caller = fixture.caller
      let clone = Task { try await host.clone("s1", base, vmid: 300, caller) }
      #expect(try await eventually { try fixture.waiting() == 1 })
      let before = try #require(await pid(host))
      _ = try await host.revokePermissions("s1", ["fs rw ${config.path}"], caller)
      #expect(kill(before, 0) != 0 && errno == ESRCH)
      await #expect(throws: StorageError.self) { try await clone.value }
    }
  }

  @Test func storagesThatShareAProcessDoNotEndEachOthersWork() async throws {
    let fixture = try HostFixture()
    try fixture.install(
      "scripted",
      manifest: { $0.replacingOccurrences(of: #""concurrency""#, with: #""process": "per-plugin", "concurrency""#) })
    try await fixture.once(adding: ["s1", "s2"]) { host in
      let base = try await base(fixture, host)
      _ = try await host.list("s2", fixture.caller)
      _ = try await host.list("s1", fixture.caller)
      let before = try #require(await pid(host))
      try fixture.order("clone_image middle wait")
      async let clone = host.clone("s1", base, vmid: 300, fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      _ = try await host.updateStorage("s2", values: ["level": 7], fixture.caller)
      #expect(try await host.list("s2", fixture.caller).volumes.isEmpty)
      #expect(try activations(fixture, "s2").last == "7")
      // One more storage needs the process started again, which has to wait.
      try await fixture.add("s3", to: host)
      let busy = await #expect(throws: StorageError.self) { try await host.list("s3", fixture.caller) }
      #expect(busy?.code == .storageUnavailable && busy?.hint?.contains("wait") == true, "\(String(describing: busy))")
      try await host.removeStorage("s2", fixture.caller)
      #expect(await pid(host) == before)
      fixture.letGo()
      #expect(try await clone.hasSuffix("/300/vm-300-disk-0.raw"))
      #expect(await eventually { (try? await host.list("s3", fixture.caller)) != nil })
      #expect(try await host.list("s1", fixture.caller).volumes.count == 2)
      try await fixture.expectSettled(host)
    }
  }
}
