// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// A volume has one lock, however its name is written, and one name under which it is worked on.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct VolumeNameTests {
  @Test func aNameWithLeadingZerosIsRefused() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      let refused = await #expect(throws: StorageError.self) {
        try await host.free("s1", "0100/vm-100-disk-0.raw", caller)
      }
      #expect(refused?.code == .nameInvalid && refused?.outcome == .notStarted, "\(String(describing: refused))")
      #expect(try fixture.files().count == 1)
    }
  }

  @Test func allNamesOfAVolumeShareItsLockAndTheWrongOneIsNone() async throws {
    try await HostFixture.run { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 9, size: 4_096, caller)
      let base = String(try await host.createBase("s1", "9/vm-9-disk-0.raw", caller).dropFirst(3))
      let clone = String(try await host.clone("s1", base, vmid: 300, caller).dropFirst(3))
      #expect(clone == "9/base-9-disk-0.raw/300/vm-300-disk-0.raw")
      let wrong = "8/base-8-disk-0.raw/300/vm-300-disk-0.raw"
      let refused = await #expect(throws: StorageError.self) { try await host.free("s1", wrong, caller) }
      #expect(refused?.code == .volumeNotFound, "\(String(describing: refused))")
      #expect(refused?.hint?.contains(clone) == true, "\(String(describing: refused))")
      let resized = await #expect(throws: StorageError.self) {
        try await host.snapshot("s1", wrong, "snap", caller)
      }
      #expect(resized?.code == .volumeNotFound)
      #expect(try fixture.files().count == 2)
      try fixture.order("volume_resize before wait")
      async let long = host.resize("s1", clone, size: 8_192, caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      var hasty = caller
      hasty.timeout = .milliseconds(200)
      let asker = hasty
      for name in ["300/vm-300-disk-0.raw", wrong] {
        let busy = await #expect(throws: StorageError.self) { try await host.free("s1", name, asker) }
        #expect(busy?.code == .volumeBusy, "\(name): \(String(describing: busy))")
      }
      fixture.letGo()
      #expect(try await long == 8_192)
      try await host.free("s1", clone, caller)
      try await fixture.expectSettled(host)
    }
  }
}
