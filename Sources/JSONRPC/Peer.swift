// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import JSON
internal import Synchronization

/// One end of a JSON-RPC 2.0 connection over two descriptors: one JSON object a line, requests in both directions.
///
/// Nothing here waits in a thread: reading, timers and what a full pipe leaves behind are the reactor's, calls suspend.
/// One exception, bounded and measured: a call to a side that answers quickly waits for the answer before it suspends;
/// see ``PeerConfiguration/answerPolling``.
/// Every call ends: by the answer, by its deadline or its task's cancellation (the other side is told, and has a grace
/// to answer), or by the end of the connection. Close it when done: the reactor keeps it alive until then.
public final class Peer: Sendable {
  public let configuration: PeerConfiguration
  let handlers: PeerHandlers
  let reactor: Reactor
  let reader: PeerReader
  let outbox: Outbox
  let calls = CallTable()
  let inbox: Inbox
  let counts = Mutex(PeerCounters())
  let deadlines: DeadlineTimer
  let habit = PollingHabit()
  /// Longest message sent now.
  let outgoingLimit: Atomic<Int>
  private let ending = Mutex(Ending())
  /// Whether there is a reason in `ending`.
  let isOver = Atomic<Bool>(false)

  private struct Ending {
    var reason: RPCError?
    /// Closes the connection with the reactor, also while nothing of it is registered there.
    var stopHook: UInt64?
    var waiters: [UnsafeContinuation<RPCError, Never>] = []
  }

  /// Takes over both descriptors (they are closed with the connection, also when this fails) and starts reading.
  ///
  /// - Parameters:
  ///   - reading: where the other side's messages come from; a pipe or a socket.
  ///   - writing: where ours go; another descriptor than `reading`, a duplicate of it for a socket.
  public init(
    reading: Int32, writing: Int32, reactor: Reactor, configuration: PeerConfiguration = PeerConfiguration(),
    handlers: PeerHandlers = PeerHandlers()
  ) throws(ReactorError) {
    self.configuration = configuration
    self.handlers = handlers
    self.reactor = reactor
    outgoingLimit = Atomic(configuration.maxOutgoingMessageBytes)
    reader = PeerReader(descriptor: reading, configuration: configuration)
    outbox = Outbox(descriptor: writing, reactor: reactor, limit: configuration.maxOutgoingBytes)
    deadlines = DeadlineTimer(reactor: reactor)
    inbox = Inbox(
      maxRunning: configuration.maxConcurrentRequests, maxWaiting: configuration.maxQueuedRequests,
      maxWaitingBytes: configuration.maxMessageBytes)
    var failure: ReactorError?
    for descriptor in [reading, writing] {
      let result = berth_set_nonblocking(descriptor, 1)
      if result < 0 { failure = ReactorError("fcntl", errno: -result) }
    }
    guard failure == nil else {
      Glibc.close(reading)
      outbox.close(flushing: false)
      throw failure ?? ReactorError("fcntl", errno: EBADF)
    }
    outbox.connect(
      onBroken: { [weak self] errno in self?.writeFailed(errno) },
      onRoom: { [weak self] in self?.reconsiderReading() })
    deadlines.connect { [weak self] in self?.deadlinePassed() }
    reactor.execute { [self] in reader.turn.run { [self] in startReading() } }
    let hook = reactor.addStopHook { [weak self] in self?.reactorStopped() }
    let isOver = ending.withLock { ending in
      ending.stopHook = hook
      return ending.reason != nil
    }
    if isOver, let hook { reactor.removeStopHook(hook) }
  }

  private func reactorStopped() { close(.closed("\(configuration.name): the host is shutting down")) }

  /// What has been seen so far.
  public var counters: PeerCounters { counts.withLock { $0 } }

  /// Calls waiting for their answers.
  public var callsInFlight: Int { calls.count }

  /// Sends no longer messages from now on: so many bytes the other side said it reads.
  public func limitMessages(to bytes: Int) { outgoingLimit.store(max(1, bytes), ordering: .relaxed) }

  // MARK: - Ending

  /// Why the connection is over; nil while it is not.
  public var closeReason: RPCError? { ending.withLock { $0.reason } }

  /// Returns when the connection is over, with the reason.
  public func waitUntilClosed() async -> RPCError {
    await withUnsafeContinuation { continuation in
      let reason = ending.withLock { ending in
        if ending.reason == nil { ending.waiters.append(continuation) }
        return ending.reason
      }
      if let reason { continuation.resume(returning: reason) }
    }
  }

  /// Ends the connection at once: every pending call fails with the reason, both descriptors are closed. The first
  /// reason counts.
  public func close(_ reason: RPCError) {
    let over = ending.withLock { ending -> Ending? in
      guard ending.reason == nil else { return nil }
      ending.reason = reason
      isOver.store(true, ordering: .releasing)
      defer { ending.waiters = [] }
      return ending
    }
    guard let over else { return }
    if let hook = over.stopHook { reactor.removeStopHook(hook) }
    outbox.close(flushing: false)
    reactor.execute { [self] in reader.turn.run { [self] in endReading() } }
    inbox.close()
    deadlines.cancel()
    for caller in calls.close(reason) { caller.resume(returning: .failure(reason)) }
    handlers.closed(reason)
    for waiter in over.waiters { waiter.resume(returning: reason) }
  }

  /// Ends the connection after reading what the other side has already written: for when its process has ended, and the
  /// caller knows how. Answers among it still settle their calls; the others fail with the reason.
  public func finish(_ reason: RPCError) {
    calls.refuse(reason)
    reactor.execute { [self] in reader.turn.run { [self] in drain(then: reason) } }
  }

  /// Closes our direction once everything sent so far is written: the other side sees the end of its input. No calls or
  /// answers can be sent any more, answers are still read.
  public func closeOutput() {
    calls.refuse(.closed("\(configuration.name): our side of the connection has been closed", mayHaveRun: false))
    outbox.close(flushing: true)
  }

  private func writeFailed(_ errno: Int32) {
    let how = errno == EPIPE ? "it has closed its input" : "writing to it failed: \(SystemError.text(errno))"
    // What it wrote before may hold answers.
    finish(.closed("\(configuration.name): \(how)", mayHaveRun: true))
  }
}

extension RPCError {
  /// The connection is over.
  public static func closed(_ message: String, mayHaveRun: Bool = true) -> RPCError {
    RPCError(
      kind: .closed, code: .pluginCrashed, message: message,
      data: data("PLUGIN_CRASHED", outcome: mayHaveRun ? "unknown" : "not_started", retry: "same_key"),
      mayHaveRun: mayHaveRun)
  }

  /// The other side broke the protocol.
  public static func violation(_ message: String) -> RPCError {
    RPCError(
      kind: .violation, code: .protocolViolation, message: message,
      data: data("PROTOCOL_VIOLATION", outcome: "unknown", retry: "never"), mayHaveRun: true)
  }
}
