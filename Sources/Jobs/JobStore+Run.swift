// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import JSON
internal import StorageProtocol

extension JobStore {
  func startNext() {
    while let place = queue.firstIndex(where: hasRoom) {
      let id = queue.remove(at: place)
      guard var running = active[id] else { continue }
      let takesPlace = running.takesPlace
      if takesPlace {
        runningCount += 1
        runningOn[running.job.storeid, default: 0] += 1
      }
      let time = now()
      running.job.state = .running
      running.job.started = time
      active[id] = running
      let handle = running.handle
      let body = running.body
      let storeid = running.job.storeid
      let task = Task {
        await self.markStarted(id, at: time)
        let result: Result<JSON, StorageError>
        do throws(StorageError) { result = .success(try await body(handle)) } catch { result = .failure(error) }
        await self.ended(id, takesPlace ? storeid : nil, result)
      }
      handle.attach(task)
    }
  }

  private func markStarted(_ id: OperationID, at time: Int64) async {
    // A state that cannot be stored is no reason to refuse the work: the journal guards the work itself.
    try? await database.write { db in
      try db.execute(
        sql: "UPDATE job SET state = 'running', started = ? WHERE id = ? AND state = 'queued'",
        arguments: [time, id.rawValue])
    }
  }

  /// Whether the job's storage may have one more; what is not active any more is taken out of the queue.
  private func hasRoom(_ id: OperationID) -> Bool {
    guard let running = active[id], running.takesPlace else { return true }
    return runningCount < limits.running && runningOn[running.job.storeid, default: 0] < limits.runningPerStorage
  }

  private func ended(_ id: OperationID, _ storeid: String?, _ result: Result<JSON, StorageError>) async {
    if let storeid {
      runningCount -= 1
      runningOn[storeid, default: 1] -= 1
      if runningOn[storeid] == 0 { runningOn[storeid] = nil }
    }
    await finish(id, result)
    startNext()
  }

  /// Stores the end of a job and wakes who waits for it.
  func finish(_ id: OperationID, _ result: Result<JSON, StorageError>) async {
    guard var running = active[id] else { return }
    running.job.finished = now()
    switch result {
    case .success(let value):
      running.job.state = .done
      running.job.result = value
    case .failure(let error):
      // What a cancel broke off may say so in other words; if it left nothing behind, that is what was asked for.
      let isUndone = error.outcome == .notStarted || error.outcome == .rolledBack
      let isCancelled = error.code == .cancelled || (running.handle.isCancelling && isUndone)
      running.job.state = isCancelled ? .cancelled : .failed
      running.job.error = error
      running.handle.log(.error, "\(error)")
    }
    running.job.progress = running.handle.progress
    active[id] = running
    let job = running.job
    let lines = running.handle.takePending()
    let kept = limits.logLines
    do {
      try await database.write { db in
        try job.storeEnd(db)
        try JobLog.append(db, job: job.id, lines: lines, keeping: kept)
      }
      active[id] = nil
    } catch {
      // Memory keeps the result for its waiters and readers; the flusher tries again.
      running.handle.giveBack(lines)
    }
    wake(id, job)
  }

  /// Stores log lines once a second while anything runs, and ends that could not be stored before.
  func startFlusher() {
    guard flusher == nil else { return }
    flusher = Task { [weak self] in
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(1))
        guard let self, await self.flush() else { return }
      }
    }
  }

  /// Returns whether there is anything left to flush later.
  func flush() async -> Bool {
    let kept = limits.logLines
    for (id, running) in active {
      let lines = running.handle.takePending()
      let job = running.job
      guard !lines.isEmpty || job.state.isFinal else { continue }
      do {
        try await database.write { db in
          if job.state.isFinal { try job.storeEnd(db) }
          try JobLog.append(db, job: id, lines: lines, keeping: kept)
        }
        if job.state.isFinal { active[id] = nil }
      } catch {
        running.handle.giveBack(lines)
      }
    }
    if active.isEmpty { flusher = nil }
    return !active.isEmpty
  }
}
