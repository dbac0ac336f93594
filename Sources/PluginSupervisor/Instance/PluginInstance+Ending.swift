// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import JSONRPC
internal import Logging
internal import PluginSandbox
internal import StorageProtocol
internal import Synchronization

extension PluginInstance {
  /// Why, and how gently, a child is ended.
  enum Ending: Sendable {
    /// `shutdown`, end of input, SIGTERM, kill; no crash.
    case orderly(String)
    /// SIGTERM, then kill: it did not answer.
    case unresponsive(String)
    /// Kill at once: it broke the protocol, or a lock must be free.
    case kill(String)
    /// It ended by itself.
    case exited

    var cause: String? {
      switch self {
      case .orderly(let text), .unresponsive(let text), .kill(let text): text
      case .exited: nil
      }
    }
  }

  /// Ends a child and returns when nothing of it is left, or when it is certain that something survives. The first
  /// caller's ending counts; everyone gets the same account.
  func end(_ child: PluginChild, _ ending: Ending) async -> ChildEnd {
    let id = ObjectIdentifier(child)
    if let burial = burials[id] { return await burial.value }
    switch state {
    case .ready(let current) where current === child: break
    case .starting(let current) where current === child: break
    default:
      // Buried long ago; the state is its successor's.
      return child.lastEnd ?? ChildEnd(cause: ending.cause)
    }
    ready.withLock { if $0 === child { $0 = nil } }
    let isStart: Bool
    if case .starting = state { isStart = true } else { isStart = false }
    if !isStart { state = .ending(child, isKilling: ending.isKill) }
    idleTimer?.cancel()
    let burial = Task { await self.bury(child, ending) }
    burials[id] = burial
    let end = await burial.value
    return end
  }

  private func bury(_ child: PluginChild, _ ending: Ending) async -> ChildEnd {
    // What ended by itself before anyone acted needs no other cause.
    var end = ChildEnd(cause: child.hasExited && ending.isKill ? nil : ending.cause)
    if case .unresponsive = ending { end.limit = child.process.limitHit() }
    switch ending {
    case .orderly(let reason):
      end.isOrderly = await shutDown(child, reason)
    case .unresponsive where !child.hasExited:
      child.process.terminate()
      _ = await child.waitForExit(configuration.terminateGrace)
    case .unresponsive, .kill, .exited: break
    }
    if case .ending = state { state = .ending(child, isKilling: true) }
    do throws(SandboxError) {
      let natural = child.process.exitStatus()
      let final = try await child.process.kill(within: configuration.killDeadline)
      end.status = natural ?? final
    } catch {
      end.unreapable = error.message
    }
    if end.limit == nil { end.limit = child.process.limitHit() }
    // Its own end it would have told; this one nobody did.
    if end.unreapable == nil, !end.isOrderly, end.limit == nil, end.status == .killed {
      end.isLaunchersEnd = await Self.hasLostLauncher(child.process)
    }
    let reason = RPCError.closed("\(child.name) \(end.text)", mayHaveRun: true)
    child.peer.finish(reason)
    if end.unreapable == nil {
      await child.release()
      end.lastLines = child.stderr.lastLines
      child.process.close()
    } else {
      end.lastLines = child.stderr.lastLines
      // What it still may answer helps nobody: the callers must know now.
      child.peer.close(reason)
    }
    buried(child, end)
    return end
  }

  static func hasLostLauncher(_ process: any PluginProcess) async -> Bool {
    await OwnThread.run { process.hasLostLauncher() }
  }

  /// The polite part; true when the child went by itself.
  private func shutDown(_ child: PluginChild, _ reason: String) async -> Bool {
    if child.hasExited { return true }
    do throws(RPCError) {
      _ = try await child.peer.call(
        Shutdown.name, Shutdown.Params(reason: quoted(reason, limit: 256)).json(),
        timeout: configuration.shutdownTimeout)
    } catch {
      logger.debug("shutdown was not answered well: \(error.message)")
    }
    child.peer.closeOutput()
    if await child.waitForExit(configuration.shutdownTimeout) { return true }
    child.process.terminate()
    return await child.waitForExit(configuration.terminateGrace)
  }

  private func buried(_ child: PluginChild, _ end: ChildEnd) {
    burials[ObjectIdentifier(child)] = nil
    let wasStart: Bool
    if case .starting = state { wasStart = true } else { wasStart = false }
    lastEnd = end
    child.noteEnd(end)
    if end.unreapable == nil { pastCounters = pastCounters + child.peer.counters }
    if let what = end.unreapable {
      state = .unreapable(child, what)
      logger.critical("cannot be killed: \(what)", metadata: ["pid": "\(child.process.pid)"])
      // They waited for their turn to start one: none of them was sent.
      settleWaiters(.failure(Self.unreapable(configuration.name, what, outcome: .notStarted)))
      return
    }
    if end.isLaunchersEnd {
      logger.notice("ended with its launcher and starts again when it is needed")
    } else if !end.isOrderly {
      note(crash: history.crashed(at: .now))
    }
    // A failed start sets the state itself, when its error is known.
    if !wasStart {
      state = isClosing ? .closed : .idle
      startIfNeeded()
    }
  }

  // MARK: - News from the I/O thread

  func childExited(_ child: PluginChild) async {
    if case .unreapable(let current, _) = state, current === child {
      await child.release()
      child.process.close()
      pastCounters = pastCounters + child.peer.counters
      state = isClosing ? .closed : .idle
      logger.notice("the processes that could not be killed are gone now")
      startIfNeeded()
      return
    }
    if case .starting = state {
      // The handshake need not wait for the end of the output to fail.
      child.peer.finish(.closed("\(child.name) ended", mayHaveRun: true))
      return
    }
    guard case .ready(let current) = state, current === child else { return }
    _ = await end(child, .exited)
  }

  /// The connection is over though nobody ended the child: it broke the protocol or closed a pipe.
  func connectionClosed(_ child: PluginChild, _ reason: RPCError) async {
    guard case .ready(let current) = state, current === child else { return }
    _ = await end(child, child.hasExited ? .exited : .kill(reason.message))
  }

  // MARK: - Idleness

  func watchIdleness(of child: PluginChild) {
    guard let limit = configuration.idleLimit else { return }
    idleTimer?.cancel()
    idleTimer = Task { [weak self] in
      var pause = limit
      while !Task.isCancelled {
        try? await Task.sleep(for: pause)
        guard !Task.isCancelled, let self else { return }
        pause = await self.stopIfIdle(child, limit)
        if pause <= .zero { return }
      }
    }
  }

  /// Stops the child if it is idle; else the time until it is worth another look, zero when never.
  private func stopIfIdle(_ child: PluginChild, _ limit: Duration) async -> Duration {
    guard case .ready(let current) = state, current === child else { return .zero }
    if child.isBusy { return max(limit / 10, .milliseconds(1)) }
    let idle = child.idleTime
    if idle < limit { return max(limit - idle, .milliseconds(1)) }
    // Detached: ending the child cancels the idle timer, and with it the task that runs this.
    Task.detached { _ = await self.end(child, .orderly("it has been idle")) }
    return .zero
  }

  /// Stops a child that nobody has used since its start: it was started only to be looked at.
  public func stopIfUnused() async {
    guard case .ready(let child) = state, !child.isUsed, !child.isBusy else { return }
    _ = await end(child, .orderly("it is not needed now"))
  }
}

extension PluginInstance.Ending {
  var isKill: Bool {
    if case .orderly = self { false } else { true }
  }
}
