// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import Synchronization

/// What plugins want shown to whoever made a change, such as a generated key: kept in memory for a while, so that a
/// detached caller can fetch it; never stored.
final class ShownValues: Sendable {
  private struct Entry {
    var show: JSONObject
    var since: ContinuousClock.Instant
  }

  /// How long, and of how many jobs at most.
  private static let age = Duration.seconds(3_600)
  private static let limit = 256

  private let entries = Mutex<[OperationID: Entry]>([:])

  func keep(_ show: JSONObject, of job: OperationID) {
    entries.withLock { entries in
      entries = entries.filter { $0.value.since.duration(to: .now) < Self.age }
      if entries.count >= Self.limit, let oldest = entries.min(by: { $0.value.since < $1.value.since })?.key {
        entries[oldest] = nil
      }
      entries[job] = Entry(show: show, since: .now)
    }
  }

  /// The job with what it showed, as long as that is remembered.
  func complete(_ job: Job) -> Job {
    guard var result = job.result?.objectValue else { return job }
    let entry = entries.withLock { $0[job.id] }
    guard let entry, entry.since.duration(to: .now) < Self.age else { return job }
    result["show"] = .object(entry.show)
    var job = job
    job.result = .object(result)
    return job
  }
}
