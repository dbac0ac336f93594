// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import PluginSupervisor
import StorageHost
import StorageProtocol
import Synchronization
import TestSupport
import Testing

private let disk = "100/vm-100-disk-0.raw"

@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct TransferTests {
  private func fill(_ fixture: HostFixture, _ host: StorageHost) async throws -> [UInt8] {
    _ = try await host.alloc("s1", vmid: 100, size: 300_000, fixture.caller)
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.data("s1") + "/100_vm-100-disk-0.raw"))
    try file.write(contentsOf: bytes)
    try file.close()
    return bytes
  }

  private func content(_ fixture: HostFixture, _ storeid: String, _ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: fixture.data(storeid) + "/" + name)))
  }

  @Test func whatIsExportedCanBeImportedUnchanged() async throws {
    try await HostFixture.run { fixture, host in
      let bytes = try await fill(fixture, host)
      let stream = Mutex<[UInt8]>([])
      let options = TransferOptions(digest: .crc32)
      let sent = try await host.export(
        "s1", disk, format: "raw+size", to: .bytes { chunk in stream.withLock { $0 += chunk } }, options,
        fixture.caller)
      let data = stream.withLock { $0 }
      #expect(sent.bytes == 300_008)
      #expect(Array(data.dropFirst(8)) == bytes)
      let rest = Mutex(data[...])
      let received = try await host.import(
        "s1", .newDisk(vmid: 200, format: nil), format: "raw+size",
        from: .bytes {
          rest.withLock { rest in
            let chunk = Array(rest.prefix(70_000))
            rest = rest.dropFirst(70_000)
            return chunk.isEmpty ? nil : chunk
          }
        }, TransferOptions(), fixture.caller)
      #expect(received.volid == "s1:200/vm-200-disk-0.raw")
      #expect(received.digest == sent.digest)
      #expect(try content(fixture, "s1", "200_vm-200-disk-0.raw") == bytes)
      try await fixture.expectSettled(host)
    }
  }

  @Test(arguments: ["volume_import middle die", "volume_import before error not_started", "volume_import after die"])
  func anImportThatFailsLeavesNothing(fault: String) async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      _ = try await fill(fixture, host)
      try fixture.order(fault, on: "s2")
      let error = await #expect(throws: StorageError.self) {
        try await host.copy("s1", disk, to: "s2", nil, TransferOptions(), fixture.caller)
      }
      #expect(error?.outcome == .rolledBack || error?.outcome == .notStarted, "\(String(describing: error))")
      #expect(try fixture.files("s2").isEmpty)
      #expect(try fixture.files("s1").count == 1)
      try await fixture.expectSettled(host)
    }
  }

  private static let increment = TransferOptions(snapname: "s2", baseSnapshot: "s1")
  private static let named = ImportTarget.volume(disk, mayRename: false)

  /// The same disk on both storages with the snapshot `s1`, and a newer snapshot `s2` of the first.
  private func replicated(_ fixture: HostFixture, _ host: StorageHost) async throws {
    _ = try await fill(fixture, host)
    _ = try await host.copy("s1", disk, to: "s2", nil, TransferOptions(), fixture.caller)
    for storeid in ["s1", "s2"] { try await host.snapshot(storeid, disk, "s1", fixture.caller) }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.data("s1") + "/100_vm-100-disk-0.raw"))
    try file.write(contentsOf: Array("changed".utf8))
    try file.close()
    try await host.snapshot("s1", disk, "s2", fixture.caller)
  }

  @Test func anIncrementChangesTheVolumeThatHasTheBase() async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      try await replicated(fixture, host)
      let report = try await host.copy("s1", disk, to: "s2", Self.named, Self.increment, fixture.caller)
      #expect(report.volid == "s2:\(disk)" && report.digest != nil)
      let target = try content(fixture, "s2", "100_vm-100-disk-0.raw")
      #expect(try target == content(fixture, "s1", "100_vm-100-disk-0.raw"))
      #expect(try await host.snapshots("s2", disk, fixture.caller).map(\.name) == ["s1", "s2"])
      // Without the base, a second time, or without a name nothing is begun.
      for (options, place, code) in [
        (TransferOptions(snapname: "s2", baseSnapshot: "s9"), Self.named, StorageError.Code.snapshotNotFound),
        (Self.increment, Self.named, .snapshotExists),
        (Self.increment, .newDisk(vmid: 100, format: nil), .invalidParams),
        (Self.increment, .volume("100/vm-100-disk-9.raw", mayRename: true), .volumeNotFound),
      ] {
        let error = await #expect(throws: StorageError.self) {
          try await host.copy("s1", disk, to: "s2", place, options, fixture.caller)
        }
        #expect(error?.code == code, "\(String(describing: error))")
      }
      #expect(try content(fixture, "s2", "100_vm-100-disk-0.raw") == target)
      try await fixture.expectSettled(host)
    }
  }

  /// A new volume that did not arrive whole is removed; one that was there before never is.
  @Test(
    arguments: [
      "volume_import before error not_started", "volume_import middle die", "volume_import middle error rolled_back",
      "volume_import late die", "volume_import after die",
    ])
  func aBrokenIncrementNeverRemovesTheVolume(_ fault: String) async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      try await replicated(fixture, host)
      let old = try content(fixture, "s2", "100_vm-100-disk-0.raw")
      let new = try content(fixture, "s1", "100_vm-100-disk-0.raw")
      try fixture.order(fault, on: "s2")
      let error = await #expect(throws: StorageError.self) {
        try await host.copy("s1", disk, to: "s2", Self.named, Self.increment, fixture.caller)
      }
      let isTold = fault.hasSuffix("not_started") || fault.hasSuffix("rolled_back")
      #expect(error?.outcome == (isTold ? (fault.hasSuffix("started") ? .notStarted : .rolledBack) : .partial))
      if !isTold { #expect(error?.hint?.contains("snapshot rollback s2:\(disk) s1") == true, "\(error?.hint ?? "-")") }
      let now = try content(fixture, "s2", "100_vm-100-disk-0.raw")
      #expect(now == old || (now == new && !isTold))
      // The way back that the error names.
      try await host.rollback("s2", disk, "s1", fixture.caller)
      #expect(try content(fixture, "s2", "100_vm-100-disk-0.raw") == old)
    }
  }

  @Test func aMoveBetweenPluginsRemovesTheSourceLast() async throws {
    try await HostFixture.run(types: ["scripted", "another"]) { fixture, host in
      let bytes = try await fill(fixture, host)
      try await fixture.add("s2", to: host, type: "another")
      try fixture.order("volume_export middle die")
      let error = await #expect(throws: StorageError.self) {
        try await host.move("s1", disk, to: "s2", nil, TransferOptions(), fixture.caller)
      }
      #expect(error != nil)
      #expect(try fixture.files("s1").count == 1)
      #expect(try fixture.files("s2").isEmpty)
      var caller = fixture.caller
      caller.idempotencyKey = "move-1"
      let report = try await host.move("s1", disk, to: "s2", nil, TransferOptions(), caller)
      #expect(report.volid == "s2:\(disk)")
      #expect(try content(fixture, "s2", "100_vm-100-disk-0.raw") == bytes)
      #expect(try fixture.files("s1").isEmpty)
      try await fixture.expectSettled(host)
    }
  }

  @Test func importsAndAllocationsAtTheSameTimeGetDifferentNames() async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      _ = try await fill(fixture, host)
      let names = try await withThrowingTaskGroup(of: String.self) { group in
        for index in 0..<16 {
          group.addTask {
            if index.isMultiple(of: 2) { return try await host.alloc("s2", vmid: 100, size: 4_096, fixture.caller) }
            return try await host.copy("s1", disk, to: "s2", nil, TransferOptions(), fixture.caller).volid
          }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(names.count == 16)
      #expect(try fixture.files("s2").count == 16)
      try await fixture.expectSettled(host)
    }
  }

  @Test func jobsShowWhatLongWorkDoes() async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      _ = try await fill(fixture, host)
      let job = try await host.start(.copy("s1", disk, to: "s2"), fixture.caller)
      let done = try await host.waitJob(job.id)
      #expect(done.state == .done)
      #expect(done.result?["volid"] == "s2:100/vm-100-disk-0.raw")
      #expect(try await host.jobs().map(\.id) == [job.id])
    }
  }
}
