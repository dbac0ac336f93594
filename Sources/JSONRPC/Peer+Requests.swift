// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Synchronization

/// What the other side sends; by whoever has the turn to read, unless it says otherwise.
extension Peer {
  func dispatch(_ message: Message, size: Int) {
    switch message {
    case .result(let id, let value): answered(id, .success(value))
    case .failure(let id, let error): answered(id, .failure(error))
    case .request(let id, let method, let params): take(id, method, params, size)
    case .notification(let method, let params):
      switch method {
      case ReservedMethod.cancel: cancelIncoming(params)
      case ReservedMethod.progress: noteProgress(params, isHeartbeat: false)
      case ReservedMethod.heartbeat: noteProgress(params, isHeartbeat: true)
      default: handlers.notification(method, params)
      }
    }
  }

  private func take(_ id: Int64, _ method: String, _ params: JSON, _ size: Int) {
    let reporter = ProgressReporter(id: id) { [weak self] method, progress, sequence in
      self?.sendSign(id, method, progress, sequence)
    }
    let request = IncomingRequest(id: id, method: method, params: params, size: size, reporter: reporter)
    switch inbox.offer(request, work) {
    case .taken, .closed: break
    case .full:
      counts.withLock { $0.refusedRequests += 1 }
      answer(
        request, .failure(.overloaded("too many requests wait for an answer here; send this one again later")))
    case .duplicateID:
      close(.violation("\(configuration.name) used the id \(id) for a second request; each is used once"))
    }
  }

  private func cancelIncoming(_ params: JSON) {
    guard let id = params["id"]?.intValue else { return }
    guard case .waiting(let request) = inbox.cancel(id) else { return }
    answer(
      request,
      .failure(
        RPCError(
          .cancelled, "cancelled before it was begun",
          data: RPCError.data("CANCELLED", outcome: "not_started", retry: "same_key"))))
  }

  /// In the request's own task: works on it, answers it, and lets the next one begin.
  private func work(_ request: IncomingRequest) async {
    let outcome: Result<JSON, RPCError>
    do throws(RPCError) {
      outcome = .success(try await handlers.request(request))
    } catch {
      outcome = .failure(error)
    }
    inbox.settle(request.id)
    answer(request, outcome)
    if inbox.finished(work) { reconsiderReading() }
  }

  /// From any thread.
  private func answer(_ request: IncomingRequest, _ outcome: Result<JSON, RPCError>) {
    request.reporter.settle()
    var buffer = outbox.buffer()
    switch outcome {
    case .success(let value): MessageWriter.result(id: request.id, value, into: &buffer)
    case .failure(let error): MessageWriter.failure(id: request.id, error, into: &buffer)
    }
    let limit = outgoingLimit.load(ordering: .relaxed)
    if buffer.count > limit + 1 {
      let error = RPCError.tooLarge("the answer to \(request.method)", buffer.count - 1, limit: limit)
      buffer.removeAll(keepingCapacity: false)
      MessageWriter.failure(id: request.id, error, into: &buffer)
    }
    _ = send(&buffer, isBounded: false)
  }

  /// Tells the other side that a line of its was no message.
  func answerBroken(_ error: RPCError) {
    var buffer = outbox.buffer()
    MessageWriter.failure(id: nil, error, into: &buffer)
    _ = send(&buffer, isBounded: false)
  }

  /// From any thread.
  private func sendSign(_ id: Int64, _ method: String, _ progress: ProgressReport?, _ sequence: Int64) {
    var buffer = outbox.buffer()
    let params = progress?.params(id: id, sequence: sequence) ?? ["id": .int(id)]
    MessageWriter.notification(method: method, params: params, into: &buffer)
    _ = send(&buffer, isBounded: true)
  }
}
