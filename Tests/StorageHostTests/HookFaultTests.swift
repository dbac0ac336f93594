// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// Hooks that die, hang, or answer with a patch that the schema refuses: the configuration stays as it was.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct HookFaultTests {
  @Test(arguments: [
    "before hang", "after hang", "after value", "after stranger", "after type", "after secret", "after fixed",
  ])
  func anAddWithABadHookLeavesNothing(fault: String) async throws {
    try await HostFixture.run(adding: []) { fixture, host in
      try FileManager.default.createDirectory(atPath: fixture.data("s1"), withIntermediateDirectories: true)
      try fixture.order("on_add_hook \(fault)")
      var caller = fixture.caller
      if fault.hasSuffix("hang") { caller.timeout = .seconds(1) }
      let asker = caller
      let path = fixture.data("s1")
      let error = await #expect(throws: StorageError.self) {
        try await host.addStorage("s1", type: "scripted", values: ["path": .string(path)], asker)
      }
      #expect(error?.outcome != .completed && error?.hint != "", "\(String(describing: error))")
      #expect(try await host.storages().isEmpty)
      #expect(!FileManager.default.fileExists(atPath: path + "/.added"), "on_delete_hook takes it back")
      try await fixture.expectSettled(host)
      try await fixture.add("s1", to: host)
    }
  }

  @Test(arguments: ["before die", "after die", "before hang", "after value", "after stranger", "after fixed"])
  func aChangeWithABadHookChangesNothing(fault: String) async throws {
    try await HostFixture.run { fixture, host in
      let before = try await host.configDigest()
      try fixture.order("on_update_hook \(fault)")
      var caller = fixture.caller
      if fault.hasSuffix("hang") { caller.timeout = .seconds(1) }
      let asker = caller
      let error = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["level": 7], asker)
      }
      #expect(error != nil)
      #expect(try await host.configDigest() == before)
      try await fixture.expectSettled(host)
      _ = try await host.updateStorage("s1", values: ["level": 8], fixture.caller)
      #expect(try await host.storage("s1").config?["level"] == 8)
    }
  }

  /// Where it may read and write is the administrator's to say: nothing of what the plugin answers moves its directory, and
  /// nothing is run with what it moved it to.
  @Test(arguments: ["check_config after fixed", "on_add_hook after fixed"])
  func aPluginCannotMoveItsOwnGrant(fault: String) async throws {
    try await HostFixture.run(adding: []) { fixture, host in
      try FileManager.default.createDirectory(atPath: fixture.data("s1"), withIntermediateDirectories: true)
      try fixture.order(fault)
      let path = fixture.data("s1")
      let error = await #expect(throws: StorageError.self) {
        try await host.addStorage("s1", type: "scripted", values: ["path": .string(path)], fixture.caller)
      }
      #expect(error?.details["reason"] == "HOOK_OVERREACH", "\(String(describing: error))")
      #expect(error?.message.contains("'path'") == true && error?.message.contains("fs rw ${config.path}") == true)
      #expect(try await host.storages().isEmpty)
      try await fixture.add("s1", to: host)
      try fixture.order("check_config after fixed")
      let later = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["level": 7], fixture.caller)
      }
      #expect(later?.details["reason"] == "HOOK_OVERREACH", "\(String(describing: later))")
      #expect(try await host.storage("s1").config?["path"] == .string(path))
    }
  }

  @Test(arguments: ["before die", "before error not_started", "before hang"])
  func aStorageWhoseHookFailsStaysUntilItSucceeds(fault: String) async throws {
    try await HostFixture.run { fixture, host in
      try fixture.order("on_delete_hook \(fault)")
      var caller = fixture.caller
      if fault.hasSuffix("hang") { caller.timeout = .seconds(1) }
      let asker = caller
      let error = await #expect(throws: StorageError.self) { try await host.removeStorage("s1", asker) }
      #expect(error != nil)
      #expect(try await host.storages().map(\.storeid) == ["s1"])
      try await fixture.expectSettled(host)
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      try await host.removeStorage("s1", fixture.caller)
      #expect(try await host.storages().isEmpty)
    }
  }
}
