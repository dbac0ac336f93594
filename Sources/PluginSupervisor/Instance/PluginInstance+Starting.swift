// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import JSONRPC
internal import Logging
internal import PluginSandbox
internal import StorageProtocol
internal import Synchronization

extension PluginInstance {
  /// The ready child; starts one, or waits for one that starts, until the deadline.
  func child(
    until deadline: ContinuousClock.Instant, waitsForRestart: Bool
  ) async throws(StorageError) -> PluginChild {
    switch state {
    case .ready(let child): return child
    case .closed: throw shuttingDown()
    case .unreapable(_, let what):
      throw Self.unreapable(configuration.name, what, outcome: .notStarted)
    case .idle, .starting, .ending: break
    }
    if isClosing { throw shuttingDown() }
    if let refusal = refusalToStart(until: deadline, waitsForRestart: waitsForRestart) { throw refusal }
    let ticket = nextWaiter
    nextWaiter += 1
    let timer = Task { [weak self] in
      try? await Task.sleep(until: deadline, clock: .continuous)
      if !Task.isCancelled { await self?.withdraw(ticket, isCancelled: false) }
    }
    defer { timer.cancel() }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiters[ticket] = Waiter(continuation: continuation, deadline: deadline)
        startIfNeeded()
      }
    } onCancel: {
      Task { await withdraw(ticket, isCancelled: true) }
    }
    return try result.get()
  }

  private func withdraw(_ ticket: UInt64, isCancelled: Bool) {
    guard let waiter = waiters.removeValue(forKey: ticket) else { return }
    let error =
      isCancelled
      ? StorageError(.cancelled, "cancelled before \(configuration.name) had started", outcome: .notStarted)
      : StorageError(
        .deadlineExceeded, "\(configuration.name) did not start in time", outcome: .notStarted,
        details: lastEnd?.details ?? [:])
    waiter.continuation.resume(returning: .failure(error))
  }

  /// Why nobody needs to wait: quarantine, or a pause that outlasts the deadline.
  private func refusalToStart(until deadline: ContinuousClock.Instant, waitsForRestart: Bool) -> StorageError? {
    let last = lastEnd.map { "; last time it \($0.text)" } ?? ""
    if history.isQuarantined {
      return StorageError(
        .pluginQuarantined,
        "\(configuration.name) crashed \(history.recent.count) times in a short time and is not started any more\(last)",
        outcome: .notStarted, hint: "repair the cause, then release the plugin", details: lastEnd?.details ?? [:])
    }
    guard let pause = history.wait(at: .now), !waitsForRestart || ContinuousClock.now + pause >= deadline else {
      return nil
    }
    return StorageError(
      .pluginCrashed, "\(configuration.name) crashed and is started again in \(pause.rounded)\(last)",
      outcome: .notStarted, retry: RetryAdvice(.backoff, afterMs: pause.wholeMilliseconds),
      details: lastEnd?.details ?? [:])
  }

  /// Starts a child when someone waits for one and nothing stands in the way, now or after the pause.
  func startIfNeeded() {
    guard case .idle = state, !waiters.isEmpty, !isClosing else { return }
    if history.isQuarantined {
      if let refusal = refusalToStart(until: .now, waitsForRestart: false) { settleWaiters(.failure(refusal)) }
      return
    }
    if let pause = history.wait(at: .now) {
      restartTimer?.cancel()
      restartTimer = Task { [weak self] in
        try? await Task.sleep(for: pause)
        if !Task.isCancelled { await self?.startIfNeeded() }
      }
      return
    }
    state = .starting(nil)
    epoch += 1
    let epoch = epoch
    startTask = Task { await self.runStart(epoch) }
  }

  private func runStart(_ epoch: Int64) async {
    do throws(StorageError) {
      let child = try await launch(epoch)
      if child.hasExited {
        // It greeted and died: its exit found the state not yet ready. Whoever waits is told here, so that nothing is
        // started before.
        let end = await end(child, .exited)
        throw end.isLaunchersEnd ? lostLauncher() : crashedAtStart(end)
      }
      state = .ready(child)
      ready.withLock { $0 = child }
      launcherEnds = 0
      child.touch()
      watchIdleness(of: child)
      logger.debug("started", metadata: ["pid": "\(child.process.pid)", "epoch": "\(epoch)"])
      settleWaiters(.success(child))
      keepBundle()
    } catch {
      if case .starting = state { state = .idle }
      logger.warning("start failed: \(error.message)")
      if error.details["launcher"] == "ended", launcherEnds < Self.launcherEndsBorne {
        // Nothing was told to anybody, and another launcher comes: whoever waits goes on waiting.
        launcherEnds += 1
      } else {
        launcherEnds = 0
        settleWaiters(.failure(error))
      }
      startIfNeeded()
    }
  }

  private func crashedAtStart(_ end: ChildEnd) -> StorageError {
    StorageError(
      .pluginCrashed, "\(configuration.name) \(end.text) right after its start", outcome: .notStarted,
      details: end.details)
  }

  /// Plan, process, attestation, handshake. When it throws nothing is left running (or the instance is unreapable).
  private func launch(_ epoch: Int64) async throws(StorageError) -> PluginChild {
    let place = try await findBundle()
    var plan: LaunchPlan
    let process: any PluginProcess
    do throws(StorageError) {
      plan = try await planner(epoch)
      plan.bundle = place
    } catch {
      // A configuration or grant that allows no start is no crash: it may be right a moment later.
      throw error
    }
    do throws(SandboxError) {
      process = try await launcher.launch(plan)
    } catch {
      let isLauncher = error.code == .launcherUnavailable
      if isLauncher { lastEnd = ChildEnd(cause: "\(error)") } else { noteFailedStart("could not be started: \(error)") }
      var details: JSONObject = ["sandbox": .string(error.code.rawValue)]
      // One that could not be reached was waited for long enough; one that ended in the middle has a successor.
      if isLauncher, ![ENOENT, ECONNREFUSED].contains(error.errno) { details["launcher"] = "ended" }
      throw StorageError(
        .sandboxFailed, "\(configuration.name) was not started: \(error.reason)", outcome: .notStarted,
        retry: isLauncher ? RetryAdvice(.backoff, afterMs: 1_000) : nil, hint: error.hint,
        details: details)
    }
    do throws(SandboxError) {
      try await process.attest()
    } catch {
      let isLauncher = await Self.hasLostLauncher(process)
      await discard(process)
      if isLauncher { throw lostLauncher() }
      noteFailedStart("is not confined as planned: \(error)")
      throw StorageError(
        .sandboxFailed, "\(configuration.name) was ended before it was told anything: \(error.reason)",
        outcome: .notStarted, hint: error.hint, details: ["sandbox": .string(error.code.rawValue)])
    }
    let box = ChildBox()
    let child: PluginChild
    do throws(StorageError) {
      child = try PluginChild(
        process: process, epoch: epoch, configuration: configuration, reactor: reactor, logger: logger,
        services: services,
        onExit: { [weak self] in
          guard let self, let child = box.child else { return }
          Task { await self.childExited(child) }
        },
        onClosed: { [weak self] reason in
          guard let self, let child = box.child else { return }
          Task { await self.connectionClosed(child, reason) }
        })
    } catch {
      await discard(process)
      throw error
    }
    box.set(child)
    state = .starting(child)
    do throws(StorageError) {
      try await greet(child, epoch)
    } catch {
      let end = await end(child, .kill(error.message))
      if end.isLaunchersEnd { throw lostLauncher() }
      throw error.at(start: end, name: configuration.name)
    }
    return child
  }

  private func lostLauncher() -> StorageError {
    lastEnd = ChildEnd(cause: "its launcher ended while it was being started", isLaunchersEnd: true)
    return StorageError(
      .sandboxFailed, "\(configuration.name) was not started: the launcher ended in the middle of it",
      outcome: .notStarted, retry: RetryAdvice(.backoff, afterMs: 1_000),
      hint: "see why berth-launcher ended: journalctl -u berth-launcher",
      details: ["sandbox": .string(SandboxError.Code.launcherUnavailable.rawValue), "launcher": "ended"])
  }

  /// Where exactly the bundle lies that the administrator agreed to: in its place, or else a copy of it.
  private func findBundle() async throws(StorageError) -> String {
    let (bundle, copies) = (configuration.bundle, configuration.copies)
    let found = await OwnThread.run { () -> Result<String, CatalogProblem> in
      do throws(CatalogProblem) {
        try bundle.checkUnchanged()
        return .success(bundle.path)
      } catch {
        return copies?.place(of: bundle).map { .success($0) } ?? .failure(error)
      }
    }
    switch found {
    case .success(let path):
      if path != bundle.path { logger.notice("is started from the copy of its bundle", metadata: ["path": "\(path)"]) }
      return path
    case .failure(let problem):
      let copy = copies.map { store in
        "; no copy of version \(bundle.manifest.version) is left to start from"
          + (store.problem(of: bundle).map { ": \($0)" } ?? "")
      }
      throw StorageError(
        .manifestInvalid, "\(configuration.name) is not started: \(problem)\(copy ?? "")", outcome: .notStarted,
        hint:
          "when the new bundle is whole: berth plugin rescan (more permissions need consent); or put it back as it was")
    }
  }

  /// Keeps what has just greeted the host, in case its place is taken by something else.
  private func keepBundle() {
    guard let copies = configuration.copies else { return }
    let bundle = configuration.bundle
    if !OwnThread.start(name: "berth-bundle", { copies.keep(bundle) }) { copies.keep(bundle) }
  }

  private func greet(_ child: PluginChild, _ epoch: Int64) async throws(StorageError) {
    let handshake = Handshake(configuration: await offered())
    let params = handshake.request(session: SessionInfo(id: sessionID, epoch: epoch)).json()
    let answer: JSON
    do throws(RPCError) {
      answer = try await child.peer.call(Initialize.name, params, timeout: configuration.handshakeTimeout)
    } catch {
      switch error.kind {
      case .timeout:
        throw StorageError(
          .deadlineExceeded,
          "\(configuration.name) did not answer initialize within \(configuration.handshakeTimeout.rounded)",
          outcome: .notStarted)
      case .remote: throw StorageError(error, outcome: .notStarted)
      default: throw StorageError(error, outcome: .notStarted)
      }
    }
    let result: Initialize.Result
    do throws(JSONError) {
      result = try Initialize.Result(json: answer, path: .root)
    } catch {
      throw StorageError(
        .resultInvalid, "\(configuration.name) answered initialize wrongly: \(error)", outcome: .notStarted)
    }
    let session = try handshake.accept(result)
    child.session.withLock { $0 = session }
    child.peer.limitMessages(to: session.maxMessageBytes)
    if child.concurrency != .serial { child.gate.setLimit(session.maxInFlight) }
    do throws(RPCError) {
      try child.peer.notify(Initialized.name, .object([:]))
    } catch {
      throw StorageError(error, outcome: .notStarted)
    }
  }

  /// The configuration without what this child is not offered.
  private func offered() async -> InstanceConfiguration {
    var configuration = configuration
    if let access = await configuration.sharedAccess?() {
      configuration.hostServices = access.values.reduce(into: []) { $0.formUnion($1.hostServices) }
    }
    let withheld = await configuration.withheldServices().intersection(configuration.hostServices)
    if !withheld.isEmpty {
      configuration.hostServices.subtract(withheld)
      logger.notice(
        "granted, but the launcher cannot start the broker's workers for it: the plugin goes on without",
        metadata: [
          "services": "\(withheld.sorted().joined(separator: " "))",
          "hint": "give the launcher's service the drop-in berth-launcher-broker.conf and restart it",
        ])
    }
    return configuration
  }

  /// A process that never became a child.
  private func discard(_ process: any PluginProcess) async {
    do throws(SandboxError) {
      _ = try await process.kill(within: configuration.killDeadline)
      process.close()
    } catch {
      // Its uid and cgroup stay reserved by the sandbox; nothing of the storage was told to it.
      logger.critical("a refused process cannot be killed: \(error)")
    }
  }

  private func noteFailedStart(_ text: String) {
    lastEnd = ChildEnd(cause: text)
    note(crash: history.crashed(at: .now))
  }

  func note(crash verdict: RestartHistory<ContinuousClock.Instant>.Verdict) {
    switch verdict {
    case .backoff(let until):
      logger.warning(
        "crashed", metadata: ["end": "\(lastEnd?.text ?? "")", "restartsAfter": "\((until - .now).rounded)"])
    case .quarantined(let crashes):
      logger.error("quarantined after \(crashes) crashes", metadata: ["end": "\(lastEnd?.text ?? "")"])
    }
  }

  func settleWaiters(_ result: Result<PluginChild, StorageError>) {
    let settled = waiters
    waiters = [:]
    for waiter in settled.values { waiter.continuation.resume(returning: result) }
  }
}
