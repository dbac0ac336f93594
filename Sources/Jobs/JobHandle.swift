// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What the body of a job reports through; safe from any thread, never blocks.
public final class JobHandle: Sendable {
  public let id: OperationID
  private let limits: JobLimits
  private let now: @Sendable () -> Int64
  private let live = Mutex(Live())

  struct Live {
    var progress: JobProgress?
    var pending: [JobLogLine] = []
    var nextSeq: Int64 = 0
    var task: Task<Void, Never>?
    var isCancelling = false
  }

  init(id: OperationID, limits: JobLimits, now: @escaping @Sendable () -> Int64) {
    self.id = id
    self.limits = limits
    self.now = now
  }

  /// Says how far the job is. A `done` smaller than before within the same phase is ignored.
  public func report(_ progress: JobProgress) {
    live.withLock { live in
      if let old = live.progress, old.phase == progress.phase, progress.done < old.done { return }
      live.progress = progress
    }
  }

  /// Adds a line to the job's log; control characters are replaced, long lines cut.
  public func log(_ level: JobLogLine.Level = .info, _ message: String) {
    let line = bounded(message)
    let time = now()
    live.withLock { live in
      live.pending.append(JobLogLine(seq: live.nextSeq, time: time, level: level, message: line))
      live.nextSeq += 1
      if live.pending.count > limits.logLines { live.pending.removeFirst(live.pending.count - limits.logLines) }
    }
  }

  /// Whether somebody asked to cancel the job.
  public var isCancelling: Bool { live.withLock { $0.isCancelling } }

  var progress: JobProgress? { live.withLock { $0.progress } }

  func takePending() -> [JobLogLine] {
    live.withLock { live in
      defer { live.pending = [] }
      return live.pending
    }
  }

  /// Puts lines back that could not be stored.
  func giveBack(_ lines: [JobLogLine]) {
    live.withLock { live in
      live.pending.insert(contentsOf: lines, at: 0)
      if live.pending.count > limits.logLines { live.pending.removeFirst(live.pending.count - limits.logLines) }
    }
  }

  func attach(_ task: Task<Void, Never>) {
    let cancelNow = live.withLock { live in
      live.task = task
      return live.isCancelling
    }
    if cancelNow { task.cancel() }
  }

  func cancel() {
    let task = live.withLock { live in
      live.isCancelling = true
      return live.task
    }
    task?.cancel()
  }

  private func bounded(_ message: String) -> String {
    var result = ""
    var bytes = 0
    for scalar in message.unicodeScalars {
      let shown: Unicode.Scalar = scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar
      bytes += UTF8.width(shown)
      guard bytes <= limits.logLineBytes else { return result + "…" }
      result.unicodeScalars.append(shown)
    }
    return result
  }
}
