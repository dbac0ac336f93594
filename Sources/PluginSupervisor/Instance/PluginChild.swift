// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import JSON
internal import JSONRPC
internal import Logging
internal import PluginSandbox
internal import StorageProtocol
internal import Synchronization

/// One running child: its process, its connection, its standard error. Made by a start, ended by one burial.
final class PluginChild: Sendable {
  let process: any PluginProcess
  let epoch: Int64
  let name: String
  let stderr: PluginStderr
  let gate: CallGate
  let parents: ParentCalls
  let concurrency: Concurrency
  let peer: Peer
  let session: Mutex<Session?>
  /// Monotonic time of the last use's end, in ns: what idleness is counted from.
  private let lastUse = Atomic<Int64>(berth_monotonic_ns())
  private let used = Atomic<Bool>(false)

  private struct Exit {
    var hasExited = false
    var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    var nextWaiter: UInt64 = 1
    var registrations: [Reactor.Registration] = []
    var account: ChildEnd?
  }

  private let reactor: Reactor
  private let exit = Mutex(Exit())

  /// Connects a started process.
  ///
  /// - Parameters:
  ///   - onExit: told once, on the I/O thread, when the process is gone.
  ///   - onClosed: told once when the connection is over, for whatever reason.
  init(
    process: any PluginProcess, epoch: Int64, configuration: InstanceConfiguration, reactor: Reactor, logger: Logger,
    services: any HostServices, onExit: @escaping @Sendable () -> Void,
    onClosed: @escaping @Sendable (RPCError) -> Void
  ) throws(StorageError) {
    self.process = process
    self.epoch = epoch
    self.reactor = reactor
    name = configuration.name
    concurrency = configuration.bundle.manifest.concurrency
    stderr = PluginStderr(logger: logger)
    gate = CallGate(
      limit: concurrency == .serial ? 1 : configuration.maxInFlight, capacity: configuration.maxWaiting)
    let parents = ParentCalls()
    self.parents = parents
    session = Mutex(nil)

    var wire = PeerConfiguration()
    wire.name = configuration.name
    wire.maxMessageBytes = configuration.maxMessageBytes
    wire.cancelGrace = configuration.cancelGrace
    // The exit status says more than the end of the output: it gets the time to come first.
    wire.endGrace = .seconds(1)
    let dispatcher = HostServiceDispatcher(
      configuration: configuration, epoch: epoch, plan: process.plan, parents: parents, services: services)
    process.whenHeldBack { holdBack in
      if let holdBack {
        logger.warning("\(holdBack.text)")
      } else {
        logger.notice("no longer held back: it has stopped making processes")
      }
    }
    let plugin = ObjectIdentifier(parents)
    let log = PluginLog(logger: logger)
    let handlers = PeerHandlers(
      request: { (request) async throws(RPCError) -> JSON in
        let result = await PluginInstance.$serving.withValue(plugin) { () async -> Result<JSON, RPCError> in
          do throws(RPCError) {
            return .success(try await dispatcher.handle(request))
          } catch {
            return .failure(error)
          }
        }
        return try result.get()
      },
      notification: { method, params in log.notification(method, params) },
      strayLine: { line in log.strayLine(line) },
      closed: onClosed)
    // The process keeps its own descriptors; the connection closes its copies.
    let reading = fcntl(process.standardOutput, F_DUPFD_CLOEXEC, 3)
    let writing = fcntl(process.standardInput, F_DUPFD_CLOEXEC, 3)
    guard reading >= 0, writing >= 0 else {
      if reading >= 0 { Glibc.close(reading) }
      if writing >= 0 { Glibc.close(writing) }
      throw StorageError(
        .internalError, "no descriptor is left to talk to \(configuration.name)", outcome: .notStarted)
    }
    // Its own writing end must not keep the pipe open: the plugin has to see the end of its input when we say so.
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    if null >= 0 {
      dup2(null, process.standardInput)
      _ = fcntl(process.standardInput, F_SETFD, FD_CLOEXEC)
      Glibc.close(null)
    }
    do throws(ReactorError) {
      peer = try Peer(reading: reading, writing: writing, reactor: reactor, configuration: wire, handlers: handlers)
    } catch {
      throw StorageError(.internalError, "cannot talk to \(configuration.name): \(error)", outcome: .notStarted)
    }
    do throws(ReactorError) {
      try watch(onExit)
    } catch {
      peer.close(.closed("\(configuration.name): \(error)", mayHaveRun: false))
      throw StorageError(.internalError, "cannot watch \(configuration.name): \(error)", outcome: .notStarted)
    }
  }

  private func watch(_ onExit: @escaping @Sendable () -> Void) throws(ReactorError) {
    _ = berth_set_nonblocking(process.standardError, 1)
    let errors = try reactor.register(process.standardError, for: .readable) { [weak self] registration, events in
      guard let self else { return }
      if events.contains(.shutdown) || !readStderr(limit: 64 << 10) { reactor.deregister(registration) }
    }
    let gone: Reactor.Registration
    do throws(ReactorError) {
      gone = try reactor.watchExit(pidfd: process.pidfd) { [weak self] in
        self?.noteExit()
        onExit()
      }
    } catch {
      reactor.deregister(errors)
      throw error
    }
    exit.withLock { $0.registrations = [errors, gone] }
  }

  /// Reads what stands in the stderr pipe, at most so much; false at its end.
  @discardableResult
  private func readStderr(limit: Int) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { buffer in
      var total = 0
      while total < limit {
        let count = berth_read(process.standardError, buffer.baseAddress, buffer.count)
        if count == 0 { return false }
        if count < 0 { return Int32(-count) == EAGAIN }
        stderr.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        total += count
      }
      return true
    }
  }

  // MARK: The exit

  var hasExited: Bool { exit.withLock { $0.hasExited } }

  private func noteExit() {
    let waiters = exit.withLock { exit in
      exit.hasExited = true
      defer { exit.waiters = [:] }
      return Array(exit.waiters.values)
    }
    for waiter in waiters { waiter.resume(returning: true) }
  }

  /// How it ended, once it is buried (or is known to survive).
  var lastEnd: ChildEnd? { exit.withLock { $0.account } }

  func noteEnd(_ end: ChildEnd) { exit.withLock { $0.account = end } }

  /// Waits for the exit; false when the time is up before it.
  func waitForExit(_ limit: Duration) async -> Bool {
    let ticket = exit.withLock { exit in
      defer { exit.nextWaiter += 1 }
      return exit.nextWaiter
    }
    let timer = reactor.schedule(after: limit) { [weak self] in
      let waiter = self?.exit.withLock { $0.waiters.removeValue(forKey: ticket) }
      waiter?.resume(returning: false)
    }
    defer { reactor.cancel(timer) }
    return await withCheckedContinuation { continuation in
      let exited = exit.withLock { exit in
        if !exit.hasExited { exit.waiters[ticket] = continuation }
        return exit.hasExited
      }
      if exited { continuation.resume(returning: true) }
    }
  }

  /// After the exit: the rest of its standard error is read, the descriptors go. Once.
  func release() async {
    let registrations = exit.withLock { exit in
      defer { exit.registrations = [] }
      return exit.registrations
    }
    await withCheckedContinuation { continuation in
      // On the I/O thread, behind every handler that may still use the descriptors.
      reactor.execute { [self] in
        for registration in registrations { reactor.deregister(registration) }
        readStderr(limit: 1 << 20)
        stderr.finish()
        continuation.resume()
      }
    }
  }

  /// Idleness is counted from now.
  func touch() { lastUse.store(berth_monotonic_ns(), ordering: .relaxed) }

  /// A call that counts as use has ended.
  func noteUse() {
    used.store(true, ordering: .relaxed)
    touch()
  }

  /// Whether anyone has used it since its start.
  var isUsed: Bool { used.load(ordering: .relaxed) }

  /// Whether a call runs or waits for its turn.
  var isBusy: Bool {
    let load = gate.load
    return load.running > 0 || load.waiting > 0
  }

  /// How long it has not been used.
  var idleTime: Duration { .nanoseconds(max(0, berth_monotonic_ns() - lastUse.load(ordering: .relaxed))) }
}
