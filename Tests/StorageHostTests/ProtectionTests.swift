// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// `max-protected-backups`
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct ProtectionTests {
  private func backup(_ kind: String, _ vmid: Int, _ day: Int) -> String {
    "vzdump-\(kind)-\(vmid)-2026_01_0\(day)-00_00_00." + (kind == "qemu" ? "vma.zst" : "tar.zst")
  }

  private func withBackups(
    _ limit: Int?,
    _ body: @escaping @Sendable (HostFixture, StorageHost, _ protect: @escaping Protect) async throws -> Void
  ) async throws {
    try await HostFixture.run(types: ["backup"], adding: []) { fixture, host in
      try FileManager.default.createDirectory(atPath: fixture.data("s1"), withIntermediateDirectories: true)
      for (kind, vmid) in [("qemu", 100), ("lxc", 100), ("qemu", 101)] {
        for day in 1...8 { fixture.directory.write("data-s1/backup_\(backup(kind, vmid, day))", "x", mode: 0o644) }
      }
      var more: JSONObject = ["content": "images,backup"]
      if let limit { more["max-protected-backups"] = .int(Int64(limit)) }
      try await fixture.add("s1", to: host, type: "backup", more)
      try await body(fixture, host) { (kind, vmid, day, on) async throws(StorageError) in
        try await host.setAttribute(
          "s1", "backup/" + self.backup(kind, vmid, day), "protected", .bool(on), fixture.caller)
      }
    }
  }

  typealias Protect = @Sendable (String, Int, Int, Bool) async throws(StorageError) -> Void

  @Test func oneMoreThanTheStorageAllowsIsRefused() async throws {
    try await withBackups(2) { fixture, host, protect in
      try await protect("qemu", 100, 1, true)
      try await protect("qemu", 100, 2, true)
      let error = await #expect(throws: StorageError.self) { try await protect("qemu", 100, 3, true) }
      #expect(error?.code == .quotaExceeded)
      #expect(error?.outcome == .notStarted)
      // What is protected may be protected again; other guests and other kinds have a limit of their own.
      try await protect("qemu", 100, 2, true)
      try await protect("qemu", 101, 1, true)
      try await protect("lxc", 100, 1, true)
      try await protect("qemu", 100, 1, false)
      try await protect("qemu", 100, 3, true)
      // Notes and volumes that are no backups are not counted.
      try await host.setAttribute("s1", "backup/" + self.backup("qemu", 100, 4), "notes", "x", fixture.caller)
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      try await host.setAttribute("s1", "100/vm-100-disk-0.raw", "protected", true, fixture.caller)
    }
  }

  @Test func twoAtOnceCannotBothBeTheLast() async throws {
    try await withBackups(1) { _, _, protect in
      let refused = await withTaskGroup(of: Bool.self) { group in
        for day in 1...8 {
          group.addTask {
            do throws(StorageError) {
              try await protect("qemu", 100, day, true)
              return false
            } catch { return error.code == .quotaExceeded }
          }
        }
        return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(refused == 7)
    }
  }

  @Test(arguments: [nil, -1]) func withoutALimitAnyNumberIsRight(limit: Int?) async throws {
    try await withBackups(limit) { _, _, protect in
      for day in 1...8 { try await protect("qemu", 100, day, true) }
    }
  }

  @Test func zeroAllowsNone() async throws {
    try await withBackups(0) { _, _, protect in
      let error = await #expect(throws: StorageError.self) { try await protect("qemu", 100, 1, true) }
      #expect(error?.code == .quotaExceeded)
    }
  }
}
