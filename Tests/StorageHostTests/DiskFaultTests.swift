// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import JSON
import StorageHost
import StorageProtocol
import TestSupport
import Testing

private let disk = "100/vm-100-disk-0.raw"

/// Full and failing disks, and a cancel that comes too late: done, undone, or reported.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct DiskFaultTests {
  @Test(arguments: ["EIO", "ENOSPC"])
  func aDiskThatFailsInTheMiddleLeavesNothing(fault: String) async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      let caller = fixture.caller
      _ = try await host.alloc("s1", vmid: 100, size: 262_144, caller)
      try fixture.order("volume_import middle \(fault)", on: "s2")
      let copy = await #expect(throws: StorageError.self) {
        try await host.copy("s1", disk, to: "s2", nil, TransferOptions(), caller)
      }
      #expect(copy?.outcome == .rolledBack || copy?.outcome == .notStarted, "\(String(describing: copy))")
      #expect(try fixture.files("s2").isEmpty)
      try fixture.order("volume_export middle \(fault)")
      _ = await #expect(throws: StorageError.self) {
        try await host.move("s1", disk, to: "s2", nil, TransferOptions(), caller)
      }
      #expect(try fixture.files("s2").isEmpty)
      #expect(try fixture.files("s1").count == 1)
      let base = String(try await host.createBase("s1", disk, caller).dropFirst(3))
      try fixture.order("clone_image middle \(fault)")
      let clone = await #expect(throws: StorageError.self) { try await host.clone("s1", base, vmid: 101, caller) }
      #expect(clone?.outcome == .rolledBack || clone?.outcome == .notStarted, "\(String(describing: clone))")
      #expect(try fixture.files().count == 1)
      try await fixture.expectSettled(host)
    }
  }

  /// A real full file system below a real plugin.
  @Test func aFullFileSystemRefusesAnImportAndKeepsNoPart() async throws {
    let fixture = try HostFixture(types: [], samples: ["directory"])
    for storeid in ["s1", "s2"] {
      try FileManager.default.createDirectory(atPath: fixture.data(storeid), withIntermediateDirectories: true)
    }
    try #require(mount("none", fixture.data("s2"), "tmpfs", 0, "size=1m,mode=755") == 0)
    defer { umount2(fixture.data("s2"), Int32(MNT_DETACH)) }
    try await fixture.once { host in
      for storeid in ["s1", "s2"] { try await fixture.add(storeid, to: host, type: "directory") }
      _ = try await host.alloc("s1", vmid: 100, size: 4 << 20, fixture.caller)
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.data("s1") + "/images/" + disk))
      try file.write(contentsOf: [UInt8](repeating: 7, count: 4 << 20))
      try file.close()
      let error = await #expect(throws: StorageError.self) {
        try await host.copy("s1", disk, to: "s2", nil, TransferOptions(), fixture.caller)
      }
      #expect(error?.code == .noSpace, "\(String(describing: error))")
      #expect(error?.outcome == .rolledBack || error?.outcome == .notStarted)
      #expect(try await host.list("s2", fixture.caller).volumes.isEmpty)
      let left = try FileManager.default.subpathsOfDirectory(atPath: fixture.data("s2") + "/images")
      #expect(left.isEmpty, "\(left)")
      try await fixture.expectSettled(host)
    }
  }

  /// Nothing is begun that the journal cannot hold; when there is room again, work goes on.
  @Test func aFullJournalDiskRefusesWorkBeforeItStarts() async throws {
    let fixture = try HostFixture()
    let state = fixture.directory.file("state")
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    try #require(mount("none", state, "tmpfs", 0, "size=24m,mode=711") == 0)
    defer { umount2(state, Int32(MNT_DETACH)) }
    try await fixture.once(adding: ["s1"]) { host in
      let filler = state + "/filler"
      fixture.directory.write("state/filler", "", mode: 0o600)
      let fd = Glibc.open(filler, O_WRONLY)
      let block = [UInt8](repeating: 1, count: 4_096)
      while Glibc.write(fd, block, block.count) > 0 {}
      Glibc.close(fd)
      var refused: StorageError?
      var made = 0
      for _ in 0..<2_000 where refused == nil {
        do throws(StorageError) {
          _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
          made += 1
          if made % 500 == 0 {
            for name in try await names(host, fixture) { try await host.free("s1", name, fixture.caller) }
          }
        } catch { refused = error }
      }
      let error = try #require(refused)
      #expect(error.code == .noSpace || error.code == .storageUnavailable, "\(error)")
      #expect(error.outcome == .notStarted, "\(error)")
      #expect(error.hint != nil)
      unlink(filler)
      let files = try fixture.files().count
      #expect(try await names(host, fixture).count == files)
      #expect(await eventually { await Self.works(host, fixture) })
      #expect(try fixture.files().count == files + 1)
    }
  }

  private static func works(_ host: StorageHost, _ fixture: HostFixture) async -> Bool {
    (try? await host.alloc("s1", vmid: 200, size: 4_096, fixture.caller)) != nil
  }

  private func names(_ host: StorageHost, _ fixture: HostFixture) async throws(StorageError) -> [String] {
    try await host.list("s1", limit: 10_000, fixture.caller).volumes.map(\.volname)
  }

  @Test(arguments: ["alloc_image after", "alloc_image before"])
  func aCancelThatComesTooLateIsDoneOrUndone(place: String) async throws {
    try await HostFixture.run { fixture, host in
      try fixture.order("\(place) wait")
      let asking = Task { () throws(StorageError) -> String in
        try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      }
      #expect(try await eventually { try fixture.waiting() == 1 })
      asking.cancel()
      fixture.letGo()
      switch await asking.result {
      case .success(let volid): #expect(try await fixture.volumes(host).map { "s1:\($0)" } == [volid])
      case .failure(let error):
        #expect((error as? StorageError)?.outcome == .rolledBack || (error as? StorageError)?.outcome == .notStarted)
        #expect(try fixture.files().isEmpty)
      }
      try await fixture.expectSettled(host)
    }
  }
}
