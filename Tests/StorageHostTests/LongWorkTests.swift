// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// Clones and bases do their work outside the storage's lock: only names are chosen under it.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct LongWorkTests {
  private func base(_ vmid: Int, _ fixture: HostFixture, _ host: StorageHost) async throws -> String {
    _ = try await host.alloc("s1", vmid: vmid, size: 65_536, fixture.caller)
    return String(try await host.createBase("s1", "\(vmid)/vm-\(vmid)-disk-0.raw", fixture.caller).dropFirst(3))
  }

  @Test func clonesRunAtTheSameTimeAndAnAllocPassesThem() async throws {
    try await HostFixture.run { fixture, host in
      let first = try await base(100, fixture, host)
      let second = try await base(200, fixture, host)
      try fixture.order("clone_image middle wait\nclone_image middle wait\nclone_image middle wait")
      async let one = host.clone("s1", first, vmid: 300, fixture.caller)
      async let two = host.clone("s1", second, vmid: 300, fixture.caller)
      async let three = host.clone("s1", first, vmid: 302, fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 3 })
      // The storage is free for others while both are in the middle of their work.
      let made = try await host.alloc("s1", vmid: 300, size: 4_096, fixture.caller)
      let other = try await host.alloc("s1", vmid: 301, size: 4_096, fixture.caller)
      #expect(other == "s1:301/vm-301-disk-0.raw")
      let locks = await host.lockList()
      #expect(!locks.contains { $0.name == "storage/s1" }, "\(locks)")
      // The sources stay as they are: whoever wants to change one waits for its clones.
      var hasty = fixture.caller
      hasty.timeout = .milliseconds(200)
      let asker = hasty
      let error = await #expect(throws: StorageError.self) { try await host.free("s1", first, asker) }
      #expect(error?.code == .volumeBusy)
      #expect(error?.outcome == .notStarted)
      async let freed: Void = host.free("s1", "100/vm-100-disk-9.raw", fixture.caller)
      try await freed
      fixture.letGo()
      let names = try await [one, two, made]
      let disks = Set(names.compactMap { $0.split(separator: "/").last })
      #expect(disks.count == 3, "\(names)")
      #expect(try await three.hasSuffix("/302/vm-302-disk-0.raw"))
      try await fixture.expectSettled(host)
    }
  }

  @Test func volumesNamedByAPatternBecomeBasesWhereTheManifestSaysHow() async throws {
    try await HostFixture.run(types: ["golden", "goldenmute"], adding: []) { fixture, host in
      for (storeid, type) in [("s1", "golden"), ("s2", "goldenmute")] {
        try await fixture.add(storeid, to: host, type: type)
        let old = fixture.directory.write("data-\(storeid)/pm-00ff_101", [UInt8](repeating: 7, count: 4_096))
        chmod(old, 0o666)
      }
      #expect(try await fixture.volumes(host) == ["pm-00ff_101"])
      let base = try await host.createBase("s1", "pm-00ff_101", fixture.caller)
      #expect(base == "s1:golden-pm-00ff_101")
      let clone = try await host.clone("s1", "golden-pm-00ff_101", vmid: 200, fixture.caller)
      #expect(clone == "s1:golden-pm-00ff/vm-200-disk-0")
      let second = try await host.clone("s1", "golden-pm-00ff_101", vmid: 200, fixture.caller)
      #expect(second == "s1:golden-pm-00ff/vm-200-disk-1")
      try await fixture.expectSettled(host)
      let refused = await #expect(throws: StorageError.self) {
        try await host.createBase("s2", "pm-00ff_101", fixture.caller)
      }
      #expect(refused?.code == .notSupported && refused?.message.contains("no member 'base'") == true)
      #expect(refused?.hint?.contains("protocol/README.md") == true, "\(String(describing: refused))")
      #expect(try await fixture.volumes(host, "s2") == ["pm-00ff_101"])
    }
  }

  /// The directory layout tells where a disk lies only for names of that layout.
  @Test func thePathOfADiskIsNotGuessedFromAFlatName() async throws {
    try await HostFixture.run(types: ["goldenmute"], adding: []) { fixture, host in
      try await fixture.add("s1", to: host, type: "goldenmute")
      chmod(fixture.directory.write("data-s1/pm-00ff_101", [UInt8](repeating: 7, count: 4_096)), 0o666)
      let refused = await #expect(throws: StorageError.self) {
        try await host.path("s1", "pm-00ff_101", fixture.caller)
      }
      #expect(refused?.code == .notSupported && refused?.hint?.contains("must implement path") == true)
    }
  }

  @Test func aBaseIsMadeWhileOthersAllocate() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      try fixture.order("create_base middle wait")
      async let made = host.createBase("s1", "100/vm-100-disk-0.raw", fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      // Neither the old nor the new name is given away meanwhile.
      #expect(try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller) == "s1:100/vm-100-disk-1.raw")
      let taken = await #expect(throws: StorageError.self) {
        try await host.rename("s1", "100/vm-100-disk-1.raw", name: "base-100-disk-0.raw", fixture.caller)
      }
      #expect(taken?.outcome == .notStarted)
      fixture.letGo()
      #expect(try await made == "s1:100/base-100-disk-0.raw")
      try await fixture.expectSettled(host)
    }
  }

  @Test func aStorageThatAsksForItsLockGetsIt() async throws {
    try await HostFixture.run(types: ["coarse"], adding: []) { fixture, host in
      try await fixture.add("s1", to: host, type: "coarse")
      let first = try await base(100, fixture, host)
      try fixture.order("clone_image middle wait")
      async let clone = host.clone("s1", first, vmid: 300, fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      #expect(await host.lockList().contains { $0.name == "storage/s1" })
      var hasty = fixture.caller
      hasty.timeout = .milliseconds(200)
      let asker = hasty
      let error = await #expect(throws: StorageError.self) {
        try await host.alloc("s1", vmid: 301, size: 4_096, asker)
      }
      #expect(error?.code == .volumeBusy)
      fixture.letGo()
      _ = try await clone
      // What fails is cleaned up under the lock that is held already, not waited for a second time.
      try fixture.order("clone_image middle die")
      let failed = await #expect(throws: StorageError.self) {
        try await host.clone("s1", first, vmid: 302, fixture.caller)
      }
      #expect(failed?.outcome == .rolledBack, "\(String(describing: failed))")
      try await fixture.expectSettled(host)
    }
  }

  /// A daemon that dies in the middle of a clone leaves nothing of it, and its name is free again.
  @Test func aCloneThatWasInterruptedIsTakenBack() async throws {
    let fixture = try HostFixture()
    let host = try await fixture.open()
    let source = try await base(100, fixture, host)
    try fixture.order("clone_image middle wait")
    let clone = Task { try await host.clone("s1", source, vmid: 300, fixture.caller) }
    #expect(try await eventually { try fixture.waiting() == 1 })
    #expect(try await host.journal.unfinished().map(\.method) == ["clone_image"])
    // Closing kills the plugin in the middle of its work.
    await host.close(grace: .milliseconds(100))
    _ = await #expect(throws: StorageError.self) { try await clone.value }
    try await fixture.once { host in
      #expect(try fixture.files() == ["100_base-100-disk-0.raw"])
      #expect(try await host.journal.unfinished().isEmpty)
      #expect(try await host.clone("s1", source, vmid: 300, fixture.caller).hasSuffix("/300/vm-300-disk-0.raw"))
      try await fixture.expectSettled(host)
    }
  }
}
