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
  let time = Mutex<Int64>(1_800_000_000_000)

  init(folder: String? = nil) throws {
    self.folder = folder ?? NSTemporaryDirectory() + "berth-jobs-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    database = try JobDatabase(path: self.folder + "/berth.sqlite")
  }

  deinit {
    try? database.close()
    try? FileManager.default.removeItem(atPath: folder)
  }

  var clock: @Sendable () -> Int64 { { self.time.withLock { $0 } } }
  var journal: Journal { Journal(database, now: clock) }
  func store(_ limits: JobLimits = JobLimits()) -> JobStore { JobStore(database, limits: limits, now: clock) }
  func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
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
