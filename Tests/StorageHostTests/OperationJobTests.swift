// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import PluginSupervisor
import StorageHost
import StorageProtocol
import TestSupport
import Testing

private let disk = "100/vm-100-disk-0.raw"

/// Every change that may take long runs as a job, by one way.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct OperationJobTests {
  /// Runs an operation to its end.
  private func run(
    _ operation: HostOperation, _ host: StorageHost, _ fixture: HostFixture
  ) async throws -> JSON {
    let job = try await host.start(operation, fixture.caller)
    #expect(job.kind == operation.kind)
    #expect(!job.isRepeated)
    return try await host.waitJob(job.id).outcome()
  }

  @Test func everyChangeGivesItsResult() async throws {
    try await HostFixture.run(adding: ["s1", "s2"]) { fixture, host in
      let volid: JSON = ["volid": .string("s1:\(disk)")]
      #expect(try await run(.alloc("s1", vmid: 100, size: 65_536), host, fixture) == volid)
      #expect(try await run(.resize("s1", disk, size: 131_072), host, fixture) == ["size": 131_072])
      #expect(try await run(.snapshot("s1", disk, "one"), host, fixture) == .null)
      #expect(try await run(.renameSnapshot("s1", disk, "one", to: "two"), host, fixture) == .null)
      #expect(try await run(.rollback("s1", disk, "two"), host, fixture) == .null)
      #expect(try await run(.deleteSnapshot("s1", disk, "two"), host, fixture) == .null)
      #expect(try await run(.copy("s1", disk, to: "s2"), host, fixture)["bytes"] == 131_080)
      #expect(
        try await run(.move("s2", disk, to: "s1", .newDisk(vmid: 102, format: nil)), host, fixture)["volid"]
          == "s1:102/vm-102-disk-0.raw")
      #expect(try await fixture.volumes(host, "s2").isEmpty)
      let named = try await run(.rename("s1", "102/vm-102-disk-0.raw", vmid: 103), host, fixture)
      #expect(named == ["volid": "s1:103/vm-103-disk-0.raw"])
      #expect(try await run(.createBase("s1", disk), host, fixture) == ["volid": "s1:100/base-100-disk-0.raw"])
      let clone = try await run(.clone("s1", "100/base-100-disk-0.raw", vmid: 104), host, fixture)
      #expect(clone["volid"] == "s1:100/base-100-disk-0.raw/104/vm-104-disk-0.raw")
      #expect(try await run(.free("s1", "103/vm-103-disk-0.raw"), host, fixture) == .null)
      let called = try await run(.call("s1", "alloc_image", ["vmid": 105, "size": 4_096]), host, fixture)
      #expect(called == ["volname": "105/vm-105-disk-0.raw"])
      #expect(try await run(.prune("s1", keep: "keep-last=1"), host, fixture) == ["items": []])
      #expect(try await host.jobs().allSatisfy { $0.state == .done })
      try await fixture.expectSettled(host)
    }
  }

  @Test func changesOfTheConfigurationAreJobsToo() async throws {
    try await HostFixture.run { fixture, host in
      mkdir(fixture.data("s2"), 0o755)
      let values: JSONObject = ["path": .string(fixture.data("s2")), "password": "hunter2-secret"]
      fixture.directory.write("data-s2/.faults", "on_add_hook before wait\n", mode: 0o666)
      var keyed = fixture.caller
      keyed.idempotencyKey = "add-s2"
      let adding = HostOperation.addStorage("s2", type: "scripted", values: values)
      let job = try await host.start(adding, keyed)
      #expect(try await eventually { try fixture.waiting("s2") == 1 })
      #expect(try await host.job(job.id).state == .running)
      #expect(try await host.start(adding, keyed).id == job.id)
      var other = values
      other["password"] = "another"
      let conflict = await #expect(throws: StorageError.self) {
        try await host.start(.addStorage("s2", type: "scripted", values: other), keyed)
      }
      #expect(conflict?.code == .idempotencyConflict)
      fixture.letGo("s2")
      let added = try await host.waitJob(job.id).outcome()
      #expect(added["storage"]?["storeid"] == "s2" && added["storage"]?["config"] == nil, "\(added)")
      // Shown to who asks, again while it is remembered, and written nowhere; no more than the secret.
      #expect(added["show"]?["key"]?["value"] == "shown-once")
      #expect(try await host.job(job.id).result?["show"]?["key"]?["value"] == "shown-once")
      for file in try FileManager.default.contentsOfDirectory(atPath: fixture.directory.file("state"))
      where file.hasPrefix("berth.sqlite") {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: fixture.directory.file("state/\(file)")))
        #expect(bytes.range(of: Data("shown-once".utf8)) == nil && bytes.range(of: Data("hunter2".utf8)) == nil)
      }
      let changed = try await run(.updateStorage("s2", values: ["level": 3]), host, fixture)
      #expect(changed["storage"]?["properties"]?["level"] == "3", "\(changed)")
      #expect(try await run(.removeStorage("s2"), host, fixture) == .null)
      await #expect(throws: StorageError.self) { try await host.storage("s2") }
      let gone = await #expect(throws: StorageError.self) {
        try await host.start(.removeStorage("s2"), fixture.caller)
      }
      #expect(gone?.code == .storageNotFound)
    }
  }

  @Test func aHungStorageCanStillBeReconfigured() async throws {
    let fixture = try HostFixture()
    let host = try await fixture.open()
    _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
    let count = JobLimits().runningPerStorage
    for _ in 0..<count { try fixture.order("path before wait") }
    for _ in 0..<count {
      _ = try await host.start(
        .call("s1", "volume_snapshot", ["volname": .string(disk), "snapname": "x"]), fixture.caller)
    }
    let job = try await host.start(.updateStorage("s1", values: ["level": 4]), fixture.caller)
    #expect(try await host.waitJob(job.id, timeout: .seconds(60)).state == .done)
    fixture.letGo()
    await host.close(grace: .milliseconds(100))
  }

  @Test func notesAndProtectionAreOneJob() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 65_536, fixture.caller)
      try fixture.order("update_volume_attribute before wait")
      var keyed = fixture.caller
      keyed.idempotencyKey = "both"
      let both = HostOperation.update("s1", disk, notes: "kept", isProtected: true)
      let job = try await host.start(both, keyed)
      #expect(try await eventually { try fixture.waiting() == 1 })
      #expect(try await host.start(both, keyed).id == job.id)
      fixture.letGo()
      #expect(try await host.waitJob(job.id).outcome() == .null)
      #expect(try await host.getAttribute("s1", disk, "notes", fixture.caller) == "kept")
      #expect(try await host.getAttribute("s1", disk, "protected", fixture.caller) == true)
      #expect(try await host.start(both, keyed).id == job.id, "the first result, not another change")
      try fixture.order("update_volume_attribute after error unknown")
      let one = try await host.start(.update("s1", disk, notes: "lost answer"), fixture.caller)
      _ = try await host.waitJob(one.id)
      try await fixture.expectSettled(host)
    }
  }

  @Test func aStorageThatIsNotThereGetsNoJob() async throws {
    try await HostFixture.run { fixture, host in
      let error = await #expect(throws: StorageError.self) {
        try await host.start(.free("nosuch", disk), fixture.caller)
      }
      #expect(error?.code == .storageNotFound)
      let jobs = try await host.jobs()
      #expect(jobs.isEmpty)
      let job = await #expect(throws: StorageError.self) { try await host.job(OperationID(rawValue: "nosuch")) }
      #expect(job?.code == .jobNotFound)
    }
  }

  @Test func aRepeatedRequestFindsTheFirstJob() async throws {
    try await HostFixture.run { fixture, host in
      var keyed = fixture.caller
      keyed.idempotencyKey = "once"
      let caller = keyed
      try fixture.order("alloc_image before wait")
      let first = try await host.start(.alloc("s1", vmid: 100, size: 4_096), caller)
      #expect(try await eventually { try fixture.waiting() == 1 })
      let second = try await host.start(.alloc("s1", vmid: 100, size: 4_096), caller)
      #expect(second.id == first.id)
      #expect(second.isRepeated)
      #expect(!second.state.isFinal)
      let other = await #expect(throws: StorageError.self) {
        try await host.start(.alloc("s1", vmid: 100, size: 8_192), caller)
      }
      #expect(other?.code == .idempotencyConflict)
      // Whoever asks past the job is told that the first one runs.
      let direct = await #expect(throws: StorageError.self) {
        try await host.alloc("s1", vmid: 100, size: 4_096, caller)
      }
      #expect(direct?.code == .inProgress)
      fixture.letGo()
      #expect(try await host.waitJob(first.id).state == .done)
      let third = try await host.start(.alloc("s1", vmid: 100, size: 4_096), caller)
      #expect(third.id == first.id)
      #expect(third.result == ["volid": .string("s1:\(disk)")])
      #expect(try fixture.files().count == 1)
    }
  }

  @Test(arguments: ["clone_image middle hang", "clone_image before hang"])
  func aCancelledJobLeavesNothing(fault: String) async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, fixture.caller)
      let base = String(try await host.createBase("s1", disk, fixture.caller).dropFirst(3))
      try fixture.order(fault)
      let job = try await host.start(.clone("s1", base, vmid: 101), fixture.caller)
      #expect(try await eventually { try await !host.journal.unfinished().isEmpty })
      let asked = try await host.cancelJob(job.id, fixture.caller)
      #expect(asked.isCancelling)
      let ended = try await host.waitJob(job.id)
      #expect(ended.state == .cancelled, "\(String(describing: ended.error))")
      #expect(ended.error?.outcome == .rolledBack || ended.error?.outcome == .notStarted)
      #expect(try fixture.files() == ["100_base-100-disk-0.raw"])
      try await fixture.expectSettled(host)
    }
  }

  @Test func aStreamEndsWithItsRequestAndShowsHowFarItIs() async throws {
    try await HostFixture.run { fixture, host in
      let (parts, source) = AsyncStream.makeStream(of: [UInt8].self)
      let reader = PartReader(parts)
      var header = [UInt8](repeating: 0, count: 8)
      header[1] = 0x10
      let operation = HostOperation.import(
        "s1", .newDisk(vmid: 100, format: nil), format: "raw+size", from: .bytes { await reader.next() })
      var keyed = fixture.caller
      keyed.idempotencyKey = "stream"
      let caller = keyed
      let first = Task { try await host.attached(operation, caller) }
      source.yield(header)
      source.yield([UInt8](repeating: 7, count: 1_000))
      #expect(try await eventually { try await host.jobs().first?.progress?.done == 1_008 })
      // The data of a second request would go nowhere: it is told so.
      let second = await #expect(throws: StorageError.self) { try await host.attached(operation, caller) }
      #expect(second?.code == .inProgress)
      first.cancel()
      source.finish()
      await #expect(throws: StorageError.self) { try await first.value }
      let job = try #require(try await host.jobs().first)
      #expect(job.state == .cancelled)
      #expect(try fixture.files().isEmpty)
      try await fixture.expectSettled(host)
    }
  }
}

private actor PartReader {
  private var iterator: AsyncStream<[UInt8]>.AsyncIterator
  init(_ stream: AsyncStream<[UInt8]>) { iterator = stream.makeAsyncIterator() }

  func next() async -> [UInt8]? {
    var copy = iterator
    defer { iterator = copy }
    return await copy.next(isolation: self)
  }
}

/// What becomes of jobs whose daemon died.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct InterruptedJobTests {
  /// Leaves a job that runs, and the record of one of its operations as it ended.
  private func leave(
    _ fixture: HostFixture, _ kind: String, _ method: String, _ end: Settlement
  ) async throws -> OperationID {
    let database = try JobDatabase(path: fixture.directory.file("state/berth.sqlite"))
    let request = JobRequest(kind: kind, storeid: "s1", title: "\(kind) it", owner: "test", paramsDigest: "d")
    let job = try await JobStore(database).submit(request) { _ throws(StorageError) in
      try? await Task.sleep(for: .seconds(3_600))
      return .null
    }
    let journal = Journal(database)
    let intent = JournalIntent(
      method: method, storeid: "s1", intent: ["volname": .string(disk)], paramsDigest: "d", actor: "test", job: job.id)
    guard case .begin(let record) = try await journal.begin(intent) else { throw CancellationError() }
    try await journal.settle(record.id, end)
    return job.id
  }

  @Test func aJobEndsAsItsOperationDid() async throws {
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { _ in }
    let alloc = try await leave(fixture, "alloc_image", "alloc_image", .done(.string("s1:\(disk)")))
    let moved = try await leave(fixture, "move", "volume_import", .done(["volid": "s2:\(disk)", "bytes": 1]))
    let pruned = try await leave(fixture, "prune_backups", "free_image", .done(.string("s1:x")))
    try await fixture.once { host in
      #expect(try await host.job(alloc).result == ["volid": .string("s1:\(disk)")])
      for id in [moved, pruned] {
        let job = try await host.job(id)
        #expect(job.state == .failed)
        #expect(job.error?.outcome == .partial)
        #expect(job.error?.hint?.isEmpty == false)
      }
      #expect(try await host.job(moved).error?.message.contains("s2:\(disk)") == true)
    }
  }
}
