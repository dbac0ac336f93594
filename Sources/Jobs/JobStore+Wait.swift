// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension JobStore {
  struct Waiter {
    let number: Int
    let continuation: CheckedContinuation<Void, Never>
  }

  /// Waits until the job has ended, or for the time given, or until the caller is cancelled.
  /// - Returns: the job as it is then; look at its state.
  public func wait(_ id: OperationID, timeout: Duration? = nil) async throws(JobsError) -> Job {
    let job = try await job(id)
    guard active[id] != nil, !job.state.isFinal else { return job }
    nextWaiter += 1
    let number = nextWaiter
    let timer = timeout.map { timeout in
      Task { [weak self] in
        try? await Task.sleep(for: timeout)
        await self?.giveUp(id, number)
      }
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard active[id]?.job.state.isFinal == false, !Task.isCancelled else { return continuation.resume() }
        waiters[id, default: []].append(Waiter(number: number, continuation: continuation))
      }
    } onCancel: {
      Task { await self.giveUp(id, number) }
    }
    timer?.cancel()
    return try await self.job(id)
  }

  func wake(_ id: OperationID, _ job: Job) {
    for waiter in waiters.removeValue(forKey: id) ?? [] { waiter.continuation.resume() }
  }

  private func giveUp(_ id: OperationID, _ number: Int) {
    guard let place = waiters[id]?.firstIndex(where: { $0.number == number }) else { return }
    waiters[id]?.remove(at: place).continuation.resume()
    if waiters[id]?.isEmpty == true { waiters[id] = nil }
  }

  /// Takes no new jobs, waits for the running ones, cancels those that take longer.
  /// - Returns: the jobs that were still running after the cancel and its own grace of the same length.
  public func drain(grace: Duration) async -> [Job] {
    isDraining = true
    for id in queue { _ = try? await cancel(id) }
    await settleAll(within: grace)
    for running in active.values where !running.job.state.isFinal { running.handle.cancel() }
    await settleAll(within: grace)
    _ = await flush()
    return active.values.map(\.job).filter { !$0.state.isFinal }
  }

  private func settleAll(within grace: Duration) async {
    let clock = ContinuousClock()
    let end = clock.now + grace
    for id in active.keys {
      let left = clock.now.duration(to: end)
      guard left > .zero else { return }
      _ = try? await wait(id, timeout: left)
    }
  }
}
