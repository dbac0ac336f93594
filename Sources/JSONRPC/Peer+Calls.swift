// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
public import JSON
internal import Synchronization

extension Peer {
  /// Calls a method of the other side and returns its result.
  ///
  /// When the deadline passes, or the task is cancelled, the other side is told with `$/cancel` and gets the configured
  /// grace to answer; an answer in that time counts, a result included. Without one the call fails, `mayHaveRun` set.
  ///
  /// - Parameters:
  ///   - params: an object (or an array).
  ///   - timeout: the call's deadline from now.
  ///   - silence: longest time without progress or heartbeat before the call counts as hung; nil for no such limit.
  ///   - onProgress: told of signs of life, at most five a second; runs on the I/O thread and must not block.
  ///   - onID: told the request's id before it is sent, since the other side may name it at once.
  public func call(
    _ method: String, _ params: JSON, timeout: Duration, silence: Duration? = nil,
    onProgress: (@Sendable (CallProgress) -> Void)? = nil, onID: ((Int64) -> Void)? = nil
  ) async throws(RPCError) -> JSON {
    guard !Task.isCancelled else {
      throw RPCError(
        kind: .cancelled, code: .cancelled, message: "\(method) was cancelled before it was sent",
        data: RPCError.data("CANCELLED", outcome: "not_started", retry: "same_key"), mayHaveRun: false)
    }
    let id = calls.nextID()
    onID?(id)
    var buffer = outbox.buffer()
    MessageWriter.request(id: id, method: method, params: params, into: &buffer)
    try checkSize(of: buffer, "the request \(method)")
    let now = MonotonicTime.now
    let call = PendingCall(
      method: method, onProgress: onProgress, deadline: now + timeout.nanoseconds, silence: silence?.nanoseconds,
      now: now)
    if let outcome = begin(id, call, &buffer) { return try outcome.get() }
    let outcome = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        if let outcome = calls.wait(id, continuation) {
          continuation.resume(returning: outcome)
        } else if Task.isCancelled {
          cancel(id)
        }
      }
    } onCancel: {
      cancel(id)
    }
    return try outcome.get()
  }

  /// Sends a notification; there is no answer.
  public func notify(_ method: String, _ params: JSON) throws(RPCError) {
    var buffer = outbox.buffer()
    MessageWriter.notification(method: method, params: params, into: &buffer)
    try checkSize(of: buffer, "the notification \(method)")
    switch send(&buffer, isBounded: true) {
    case .accepted: return
    case .overloaded: throw overloaded(method)
    case .closed: throw closeReason ?? .closed("\(configuration.name): the connection is closed", mayHaveRun: false)
    }
  }

  private func checkSize(of line: [UInt8], _ what: String) throws(RPCError) {
    let limit = outgoingLimit.load(ordering: .relaxed)
    guard line.count <= limit + 1 else { throw .tooLarge(what, line.count - 1, limit: limit) }
  }

  // MARK: - Beginning

  /// Enters the call and sends it; the outcome when it is known without waiting.
  private func begin(_ id: Int64, _ call: PendingCall, _ buffer: inout [UInt8]) -> CallTable.Outcome? {
    let due = call.due
    if var reason = calls.add(id, call) {
      reason.mayHaveRun = false
      return .failure(reason)
    }
    deadlines.need(by: due)
    let way = beginPolling()
    if way == .suspend { endParking() }
    if reader.isPaused.load(ordering: .sequentiallyConsistent) { reconsiderReading() }
    var sent = false
    switch send(&buffer, isBounded: true) {
    case .accepted:
      sent = true
      if let kind = calls.markSent(id) { tellCancel(id, kind) }
    case .overloaded: settle(id, .failure(overloaded(call.method)))
    case .closed: settle(id, .failure(.closed("\(configuration.name): the connection is closing", mayHaveRun: false)))
    }
    if way != .suspend, let outcome = poll(id, way, isSent: sent) { return outcome }
    return calls.collect(id)
  }

  private func overloaded(_ method: String) -> RPCError {
    .overloaded("\(configuration.name) does not read fast enough: \(method) was not sent; try again later")
  }

  func send(_ buffer: inout [UInt8], isBounded: Bool) -> Outbox.Sent {
    if let transcript = configuration.transcript, let json = try? JSON.parse(buffer, limits: .init(maxBytes: .max)) {
      transcript.record(.outgoing, json)
    }
    let sent = outbox.send(&buffer, isBounded: isBounded)
    if case .accepted = sent { counts.withLock { $0.sent += 1 } }
    return sent
  }

  // MARK: - Cancelling

  private func cancel(_ id: Int64) {
    let graceEnds = MonotonicTime.now + configuration.cancelGrace.nanoseconds
    let tells = calls.beginCancel(id, .cancelled, graceEnds: graceEnds)
    deadlines.need(by: graceEnds)
    if tells { tellCancel(id, .cancelled) }
  }

  private func tellCancel(_ id: Int64, _ kind: RPCError.Kind) {
    var buffer = outbox.buffer()
    MessageWriter.notification(
      method: ReservedMethod.cancel, params: ["id": .int(id), "reason": .string(kind.rawValue)], into: &buffer)
    _ = send(&buffer, isBounded: false)
  }

  func deadlinePassed() {
    let now = MonotonicTime.now
    let due = calls.sweep(now: now, graceEnds: now + configuration.cancelGrace.nanoseconds) { .failure(expired($0)) }
    for id in due.cancelled { tellCancel(id, .timeout) }
    for (caller, outcome) in due.expired { caller.resume(returning: outcome) }
    if due.next != MonotonicTime.never { deadlines.need(by: due.next) }
  }

  private func expired(_ call: CallTable.Call) -> RPCError {
    var kind = RPCError.Kind.timeout
    if case .cancelling(let reason) = call.phase { kind = reason }
    let isTimeout = kind == .timeout
    var error = RPCError(
      kind: kind, code: isTimeout ? .deadlineExceeded : .cancelled,
      message:
        "\(configuration.name) did not answer \(call.method) \(isTimeout ? "in time" : "after its cancellation"), "
        + "nor the request to cancel it; whether it was done is not known",
      data: RPCError.data(isTimeout ? "DEADLINE_EXCEEDED" : "CANCELLED", outcome: "unknown", retry: "same_key"),
      mayHaveRun: true)
    error.isUnanswered = true
    return error
  }

  // MARK: - Answers

  /// An answer, by whoever has the turn to read.
  func answered(_ id: Int64?, _ outcome: Result<JSON, RPCError>) {
    guard let id else {
      counts.withLock { $0.unknownAnswers += 1 }
      return
    }
    var sent: Int64?
    let match = calls.settle(id, own: reader.awaited) { call in
      sent = call.entered
      return Self.explain(outcome, call)
    }
    if let sent { habit.note(answerAfter: MonotonicTime.now - sent) }
    switch match {
    case .waiting(let caller, let outcome): caller.resume(returning: outcome)
    case .own(let outcome): reader.answer = outcome
    case .kept: break
    case .late: counts.withLock { $0.lateAnswers += 1 }
    case .duplicate: counts.withLock { $0.duplicateAnswers += 1 }
    case .unknown: counts.withLock { $0.unknownAnswers += 1 }
    }
  }

  /// Settles a call from our side, unless it has been settled.
  private func settle(_ id: Int64, _ outcome: CallTable.Outcome) {
    if case .waiting(let caller, let outcome) = calls.settle(id, { _ in outcome }) { caller.resume(returning: outcome) }
  }

  /// An error that answers our cancel says why we cancelled.
  private static func explain(_ outcome: Result<JSON, RPCError>, _ call: CallTable.Call) -> Result<JSON, RPCError> {
    guard case .failure(var error) = outcome, error.code == .cancelled, case .cancelling(let kind) = call.phase else {
      return outcome
    }
    error.kind = kind
    return .failure(error)
  }

  func noteProgress(_ params: JSON, isHeartbeat: Bool) {
    let isPassedOn = passOn(params, isHeartbeat: isHeartbeat)
    if !isPassedOn { counts.withLock { $0.ignoredProgress += 1 } }
  }

  private func passOn(_ params: JSON, isHeartbeat: Bool) -> Bool {
    guard let id = params["id"]?.intValue else { return false }
    let now = MonotonicTime.now
    if isHeartbeat {
      guard let tell = calls.sign(id, nil, now: now) else { return false }
      tell(.heartbeat)
      return true
    }
    guard let progress = try? params.decode(as: ProgressReport.self) else { return false }
    guard let tell = calls.sign(id, (params["seq"]?.intValue, progress), now: now) else { return false }
    tell(.report(progress))
    return true
  }
}
