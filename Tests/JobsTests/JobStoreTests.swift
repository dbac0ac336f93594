// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import Jobs
import StorageProtocol
import Synchronization
import Testing

private func request(_ digest: String = "d", key: String? = nil) -> JobRequest {
  JobRequest(
    kind: "clone_image", storeid: "s1", title: "clone", owner: "root", idempotencyKey: key, paramsDigest: digest)
}

@Suite(.timeLimit(.minutes(2))) struct JobStoreTests {
  @Test func aJobRunsAndKeepsResultProgressAndLog() async throws {
    let fixture = try Fixture()
    let store = fixture.store()
    let job = try await store.submit(request()) { handle throws(StorageError) in
      handle.report(JobProgress(phase: "copy", done: 5, total: 10, unit: "bytes"))
      handle.report(JobProgress(phase: "copy", done: 4, total: 10, unit: "bytes"))
      handle.log(.info, "line one\nwith a break")
      return ["volid": "s1:x"]
    }
    let done = try await store.wait(job.id)
    #expect(done.state == .done)
    #expect(done.result == ["volid": "s1:x"])
    #expect(done.progress?.done == 5)
    #expect(try await store.log(job.id).map(\.message) == ["line one with a break"])
    #expect(try await fixture.store().job(job.id) == done)
  }

  @Test func cancellingEndsTheTaskAndTheStateSaysSo() async throws {
    let store = try Fixture().store()
    let job = try await store.submit(request()) { _ throws(StorageError) in
      while !Task.isCancelled { await Task.yield() }
      throw StorageError(.cancelled, "stopped", outcome: .rolledBack)
    }
    _ = try await store.cancel(job.id)
    let ended = try await store.wait(job.id)
    #expect(ended.state == .cancelled)
    #expect(ended.error?.outcome == .rolledBack)
  }

  @Test func aCancelThatComesTooLateLeavesTheJobDone() async throws {
    let store = try Fixture().store()
    let job = try await store.submit(request()) { _ throws(StorageError) in 7 }
    _ = try await store.wait(job.id)
    #expect(try await store.cancel(job.id).state == .done)
  }

  @Test func oneRunsWhileTheOthersWaitInOrder() async throws {
    var limits = JobLimits()
    limits.running = 1
    limits.queued = 3
    let store = try Fixture().store(limits)
    let order = Mutex<[Int]>([])
    let gate = Mutex(false)
    var ids: [OperationID] = []
    for number in 0..<4 {
      ids.append(
        try await store.submit(request()) { _ throws(StorageError) in
          while number == 0, !gate.withLock({ $0 }), !Task.isCancelled { await Task.yield() }
          order.withLock { $0.append(number) }
          return .null
        }.id)
    }
    #expect(try await store.job(ids[3]).state == .queued)
    let error = await #expect(throws: JobsError.self) {
      try await store.submit(request()) { _ throws(StorageError) in .null }
    }
    #expect(error?.code == .overloaded)
    #expect(try await store.cancel(ids[2]).state == .cancelled)
    gate.withLock { $0 = true }
    for id in ids { _ = try await store.wait(id) }
    #expect(order.withLock { $0 } == [0, 1, 3])
  }

  @Test func theSameKeyFindsTheSameJobUnlessTheFirstLeftNothing() async throws {
    let store = try Fixture().store()
    let first = try await store.submit(request(key: "k")) { _ throws(StorageError) in 1 }
    _ = try await store.wait(first.id)
    #expect(try await store.submit(request(key: "k")) { _ throws(StorageError) in 2 }.result == 1)
    let error = await #expect(throws: JobsError.self) {
      try await store.submit(request("other", key: "k")) { _ throws(StorageError) in 2 }
    }
    #expect(error?.code == .idempotencyConflict)
    let failed = try await store.submit(request(key: "f")) { _ throws(StorageError) in
      throw StorageError(.cancelled, "no", outcome: .notStarted)
    }
    _ = try await store.wait(failed.id)
    let again = try await store.submit(request(key: "f")) { _ throws(StorageError) in 3 }
    #expect(again.id != failed.id)
    #expect(try await store.wait(again.id).result == 3)
  }

  @Test func oneStorageLeavesRoomForTheOthers() async throws {
    var limits = JobLimits()
    limits.runningPerStorage = 1
    limits.queuedPerStorage = 1
    let store = try Fixture().store(limits)
    let gate = AsyncStream.makeStream(of: Void.self)
    let busy = JobRequest(kind: "x", storeid: "busy", title: "x", owner: "o", paramsDigest: "d")
    let first = try await store.submit(busy) { _ throws(StorageError) in
      for await _ in gate.stream {}
      return 1
    }
    let second = try await store.submit(busy) { _ throws(StorageError) in 2 }
    var error: JobsError?
    do { _ = try await store.submit(busy) { _ throws(StorageError) in 3 } } catch let thrown { error = thrown }
    #expect(error?.code == .overloaded)
    let free = JobRequest(kind: "x", storeid: "free", title: "x", owner: "o", paramsDigest: "d")
    let other = try await store.submit(free) { _ throws(StorageError) in 4 }
    #expect(try await store.wait(other.id).result == 4)
    #expect(try await store.job(second.id).state == .queued)
    gate.continuation.finish()
    #expect(try await store.wait(second.id).result == 2)
    #expect(try await store.wait(first.id).result == 1)
  }

  @Test func jobsOfADeadDaemonAreInterruptedAndResolvedOnce() async throws {
    let fixture = try Fixture()
    let dead = fixture.store()
    let job = try await dead.submit(request()) { _ throws(StorageError) in
      while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
      throw StorageError(.cancelled, "test over", outcome: .rolledBack)
    }
    let store = fixture.store()
    #expect(try await store.recover().map(\.id) == [job.id])
    #expect(try await store.job(job.id).state == .interrupted)
    try await store.resolve(job.id, .success("found"))
    try await store.resolve(job.id, .success("again"))
    #expect(try await store.job(job.id).result == "found")
    _ = try await dead.cancel(job.id)
    _ = try await dead.wait(job.id)
  }

  /// A storage that did not answer after the failure is asked later: who repeats the request gets what was found.
  @Test func aJobThatEndedUnclearGetsItsEndLater() async throws {
    let store = try Fixture().store()
    let lost = StorageError(.pluginCrashed, "died", outcome: .unknown)
    for (key, end) in ["undone": .failure(lost.with(.rolledBack)), "done": .success("made")]
      as [String: Result<JSON, StorageError>]
    {
      let job = try await store.submit(request(key: key)) { _ throws(StorageError) in throw lost }
      #expect(try await store.wait(job.id).error?.outcome == .unknown)
      try await store.resolve(job.id, end)
      let again = try await store.submit(request(key: key)) { _ throws(StorageError) in "anew" }
      #expect(try await store.wait(again.id).result == (key == "done" ? "made" : "anew"))
      try await store.resolve(job.id, .success("too late"))
      #expect(try await store.job(job.id).result != "too late")
    }
  }

  @Test func logsAndFinishedJobsAreBounded() async throws {
    let fixture = try Fixture()
    var limits = JobLimits()
    limits.logLines = 10
    limits.logLineBytes = 8
    limits.finished = 2
    let store = fixture.store(limits)
    var last: OperationID?
    for _ in 0..<4 {
      let job = try await store.submit(request()) { handle throws(StorageError) in
        for number in 0..<100 { handle.log(.info, "number \(number)") }
        return .null
      }
      _ = try await store.wait(job.id)
      last = job.id
    }
    let lines = try await store.log(#require(last))
    #expect(lines.count == 10)
    #expect(lines.last?.seq == 99)
    #expect(lines.last?.message == "number 9…")
    #expect(try await store.prune() == 2)
    #expect(try await store.list().count == 2)
  }

  @Test func waitingEndsAtItsTimeAndWithItsCaller() async throws {
    let store = try Fixture().store()
    let job = try await store.submit(request()) { _ throws(StorageError) in
      while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
      throw StorageError(.cancelled, "stopped", outcome: .rolledBack)
    }
    #expect(try await store.wait(job.id, timeout: .milliseconds(20)).state == .running)
    let waiting = Task { try await store.wait(job.id) }
    waiting.cancel()
    #expect(try await waiting.value.state == .running)
    #expect(await store.drain(grace: .milliseconds(10)).isEmpty)
    #expect(try await store.job(job.id).state == .cancelled)
    let error = await #expect(throws: JobsError.self) {
      try await store.submit(request()) { _ throws(StorageError) in .null }
    }
    #expect(error?.code == .closed)
  }
}

extension StorageError {
  fileprivate func with(_ outcome: Outcome) -> StorageError {
    var error = self
    error.outcome = outcome
    return error
  }
}
