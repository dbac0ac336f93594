// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import PluginSupervisor
import StorageHost
import StorageProtocol
import TestSupport
import Testing

private let disk = "100/vm-100-disk-0.raw"

/// Streams of plugins that serve one call at a time: what would wait for itself is refused at once.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct SerialPluginTests {
  @Test func aCopyWithinTheStorageIsRefusedAtOnce() async throws {
    try await HostFixture.run(types: ["serial"], adding: []) { fixture, host in
      for storeid in ["s1", "s2"] { try await fixture.add(storeid, to: host, type: "serial") }
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      let begun = ContinuousClock.now
      let refused = await #expect(throws: StorageError.self) {
        try await host.move("s1", disk, to: "s1", .newDisk(vmid: 101, format: nil), TransferOptions(), fixture.caller)
      }
      #expect(refused?.code == .notSupported)
      #expect(refused?.hint?.contains("berth export s1:\(disk)") == true)
      #expect(begun.duration(to: .now) < .seconds(20))
      // Another storage has a process of its own.
      let report = try await host.copy("s1", disk, to: "s2", nil, TransferOptions(), fixture.caller)
      #expect(report.volid == "s2:\(disk)")
      try await fixture.expectSettled(host)
    }
  }

  @Test func aPipeFromTheStorageToItselfIsToldWhy() async throws {
    try await HostFixture.run(types: ["serial"], adding: []) { fixture, host in
      try await fixture.add("s1", to: host, type: "serial")
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      try fixture.order("volume_export middle wait")
      async let sent = host.export(
        "s1", disk, format: "raw+size", to: .bytes { _ in }, TransferOptions(), fixture.caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      let begun = ContinuousClock.now
      let refused = await #expect(throws: StorageError.self) {
        try await host.import(
          "s1", .newDisk(vmid: 101, format: nil), format: "raw+size", from: .bytes { nil }, TransferOptions(),
          fixture.caller)
      }
      #expect(refused?.code == .volumeBusy && refused?.outcome == .notStarted, "\(String(describing: refused))")
      #expect(refused?.message.contains("sending s1:\(disk)") == true, "\(String(describing: refused))")
      #expect(begun.duration(to: .now) < .seconds(5))
      fixture.letGo()
      #expect(try await sent.bytes == 65_544)
      try await fixture.expectSettled(host)
    }
  }
}
