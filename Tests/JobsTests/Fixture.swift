// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageProtocol
import Synchronization

/// A database in a folder of its own, removed with the fixture; a clock the test moves.
final class Fixture: Sendable {
  let folder: String
  let database: JobDatabase
  let time = Box(1_800_000_000_000)
  /// The clock nobody sets.
  let steady = Box(0)
  let ages: RecordAge

  final class Box: Sendable {
    private let mutex: Mutex<Int64>
    init(_ value: Int64) { mutex = Mutex(value) }
    var value: Int64 { mutex.withLock { $0 } }
    func add(_ milliseconds: Int64) { mutex.withLock { $0 += milliseconds } }
  }

  init(folder: String? = nil) throws {
    self.folder = folder ?? NSTemporaryDirectory() + "berth-jobs-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    database = try JobDatabase(path: self.folder + "/berth.sqlite")
    let (time, steady) = (time, steady)
    ages = RecordAge(wall: { time.value }, steady: { steady.value })
  }

  deinit {
    try? database.close()
    try? FileManager.default.removeItem(atPath: folder)
  }

  var clock: @Sendable () -> Int64 { { self.time.value } }
  var journal: Journal { Journal(database, now: clock, ages: ages) }
  func store(_ limits: JobLimits = JobLimits()) -> JobStore {
    JobStore(database, limits: limits, now: clock, ages: ages)
  }

  /// Time passes.
  func advance(_ milliseconds: Int64) {
    time.add(milliseconds)
    steady.add(milliseconds)
  }

  /// Somebody sets the wall clock.
  func jump(_ milliseconds: Int64) { time.add(milliseconds) }
}

func intent(_ digest: String = "d1", key: String? = nil, storeid: String = "s1") -> JournalIntent {
  JournalIntent(
    method: "alloc_image", storeid: storeid, intent: ["volname": "100/vm-100-disk-0.raw"], paramsDigest: digest,
    idempotencyKey: key, token: UInt64.max - 1, actor: "root")
}

extension JournalAdmission {
  var record: JournalRecord {
    switch self {
    case .begin(let record), .replay(let record): record
    }
  }
  var isReplay: Bool { if case .replay = self { true } else { false } }
}
