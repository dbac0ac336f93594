// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Jobs
internal import ManagementTypes

extension JobView {
  init(_ job: Job) {
    self.init(
      id: job.id.rawValue, kind: job.kind, storeid: job.storeid, title: job.title, owner: job.owner,
      state: job.state.rawValue, cancelling: job.isCancelling, created: job.created, started: job.started,
      finished: job.finished, progress: job.progress.map { ProgressView($0) }, result: job.result,
      error: job.error.map { Problem($0) })
  }
}

extension ProgressView {
  init(_ progress: JobProgress) {
    self.init(
      phase: progress.phase, done: progress.done, total: progress.total, unit: progress.unit,
      message: progress.message)
  }
}

extension JobLogView {
  init(_ line: JobLogLine) {
    self.init(seq: line.seq, time: line.time, level: line.level.rawValue, message: line.message)
  }
}
