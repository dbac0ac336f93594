// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import JSONRPC
public import StorageProtocol
internal import Synchronization

extension PluginInstance {
  /// Calls a method of the plugin, starting it when needed.
  ///
  /// Returns, or throws, only when it is certain what became of the child: a call that was not answered ends it, and
  /// its error comes when nothing of it is left (or says that something is: `PLUGIN_UNREAPABLE`).
  ///
  /// - Parameters:
  ///   - context: what the request carries; `timeoutMs` is set here.
  /// - Throws: the plugin's own error; `DEADLINE_EXCEEDED`, `CANCELLED`, `OVERLOADED`, `PLUGIN_CRASHED`,
  ///   `PLUGIN_QUARANTINED`, `PROTOCOL_VIOLATION`, `RESULT_INVALID` and others of the host, always with an outcome.
  public nonisolated func call<Method: StorageMethod>(
    _ method: Method.Type, _ params: Method.Params, context: CallContext = CallContext(),
    options: CallOptions = CallOptions()
  ) async throws(StorageError) -> Method.Result {
    let json = try await call(
      Method.name, params.json().objectValue ?? [:], context: context, annotations: Method.annotations,
      options: options)
    do throws(JSONError) {
      return try Method.Result(json: json, path: .root)
    } catch {
      let name = configuration.name
      throw StorageError(
        .resultInvalid, "the result of \(Method.name) by \(name) is wrong: \(error)",
        outcome: Method.annotations.mutating ? .unknown : .notStarted,
        details: ["field": .string(error.path.pointer)])
    }
  }

  /// Calls a method by name with untyped arguments; for checkers and tools.
  ///
  /// - Parameter params: the arguments without `context`.
  public nonisolated func call(
    _ method: String, _ params: JSONObject, context: CallContext = CallContext(),
    options: CallOptions = CallOptions()
  ) async throws(StorageError) -> JSON {
    guard let description = MethodTable[method], description.kind == .request,
      description.annotations.direction == .hostToPlugin
    else {
      throw StorageError(.methodNotFound, "there is no method \(quoted(method))", outcome: .notStarted)
    }
    return try await call(
      method, params, context: context, annotations: description.annotations, options: options)
  }

  nonisolated func call(
    _ method: String, _ params: JSONObject, context: CallContext, annotations: MethodAnnotations, options: CallOptions
  ) async throws(StorageError) -> JSON {
    var timeout = annotations.defaultTimeout
    if let limit = options.timeout { timeout = min(timeout, limit) }
    if let budget = options.lockBudget { timeout = min(timeout, budget) }
    let deadline = ContinuousClock.now + timeout
    let lane = lane(of: params)
    var lost = 0
    var replays = 0
    while true {
      let child: PluginChild
      if let current = ready.withLock({ $0 }) {
        child = current
      } else {
        child = try await self.child(until: deadline, waitsForRestart: options.waitsForRestart)
      }
      if let serving = Self.serving, serving == ObjectIdentifier(child.parents) {
        throw StorageError(
          .hostDenied, "\(method) would call \(configuration.name) from inside one of its own requests",
          outcome: .notStarted)
      }
      switch await attempt(child, method, params, context, annotations, options, lane, deadline) {
      case .success(let json): return json
      case .failed(let error):
        let isRepeatable = annotations.idempotent || context.idempotencyKey != nil
        guard error.code == .pluginCrashed, isRepeatable, replays < options.replaysAfterCrash else { throw error }
        replays += 1
      case .untouched(let error):
        // The child went away before it saw the request, or without a fault of its own: another one may have it.
        lost += 1
        if lost == 3 { throw error }
      }
    }
  }

  /// What a call shares its turn with.
  private nonisolated func lane(of params: JSONObject) -> CallGate.Lane? {
    switch configuration.bundle.manifest.concurrency {
    case .serial: ""
    case .perVolume: params["volname"]?.stringValue ?? ""
    case .parallel: nil
    }
  }

  private enum Attempt {
    case success(JSON)
    case failed(StorageError)
    case untouched(StorageError)
  }

  private nonisolated func attempt(
    _ child: PluginChild, _ method: String, _ params: JSONObject, _ context: CallContext,
    _ annotations: MethodAnnotations, _ options: CallOptions, _ lane: CallGate.Lane?,
    _ deadline: ContinuousClock.Instant
  ) async -> Attempt {
    if !child.gate.tryEnter(lane) {
      do throws(CallGate.Refusal) {
        try await child.gate.enter(lane, until: deadline)
      } catch {
        return .failed(refused(method, error))
      }
    }
    defer {
      if options.isUse { child.noteUse() }
      child.gate.leave(lane)
    }
    let left = deadline - .now
    guard left > .zero else { return .failed(refused(method, .timeout)) }
    var context = context
    context.timeoutMs = max(1, left.wholeMilliseconds)
    var params = params
    params[CallContext.member] = context.json()
    let storeid = configuration.storeid ?? params["storeid"]?.stringValue
    let stream = hostStream(params, annotations)
    var id: Int64 = 0
    do throws(RPCError) {
      let json = try await child.peer.call(
        method, .object(params), timeout: left,
        silence: annotations.longRunning ? configuration.heartbeatInterval * 3 : nil, onProgress: options.onProgress,
        onID: { number in
          id = number
          child.parents.begin(
            number, ParentCalls.Call(method: method, storeid: storeid, deadline: deadline, stream: stream))
        })
      await ended(child, id, method, storeid)
      return .success(json)
    } catch {
      await ended(child, id, method, storeid)
      return await failure(child, method, annotations, error)
    }
  }

  /// The stream that this call's parameters, the host's own, name.
  private nonisolated func hostStream(_ params: JSONObject, _ annotations: MethodAnnotations) -> HostStream? {
    guard annotations.stream != .none, let directory = configuration.streamsPath,
      let id = params["stream"]?["id"]?.stringValue
    else { return nil }
    return HostStream(
      path: "\(directory)/\(id)/data", isExport: annotations.stream == .export,
      digest: params["digest"]?.stringValue.flatMap(DigestAlgorithm.init(rawValue:)))
  }

  private nonisolated func ended(_ child: PluginChild, _ id: Int64, _ method: String, _ storeid: String?) async {
    guard child.parents.end(id) else { return }
    await services.parentEnded(
      HostServiceCaller(
        plugin: configuration.bundle.id, storeid: storeid, epoch: child.epoch, parent: id, parentMethod: method))
  }

  private nonisolated func refused(_ method: String, _ refusal: CallGate.Refusal) -> StorageError {
    let name = configuration.name
    return switch refusal {
    case .full(let waiting):
      StorageError(
        .overloaded, "\(waiting) calls wait for \(name) already; \(method) was not sent", outcome: .notStarted,
        retry: RetryAdvice(.backoff, afterMs: 1000))
    case .cancelled:
      StorageError(.cancelled, "\(method) was cancelled before it was sent to \(name)", outcome: .notStarted)
    case .timeout:
      StorageError(
        .deadlineExceeded, "\(method) did not get its turn with \(name) in time and was not sent",
        outcome: .notStarted)
    }
  }

  /// What an error of the connection means for the caller, after the child has been ended where it must be.
  private nonisolated func failure(
    _ child: PluginChild, _ method: String, _ annotations: MethodAnnotations, _ error: RPCError
  ) async -> Attempt {
    let name = configuration.name
    let outcome: Outcome = annotations.mutating ? .unknown : .notStarted
    switch error.kind {
    case .remote: return .failed(StorageError(error, outcome: outcome))
    case .overloaded, .invalid: return .failed(StorageError(error, outcome: .notStarted))
    case .timeout, .cancelled:
      guard error.isUnanswered else {
        var answered = StorageError(error, outcome: outcome)
        if error.kind == .timeout { answered.code = .deadlineExceeded }
        return .failed(answered)
      }
      let stray = child.peer.counters.strayLines
      let lines = stray == 0 ? "" : "; \(stray) of the lines it wrote were no acceptable messages (see the log)"
      let end = await end(child, .unresponsive("it answered neither \(method) nor its cancellation"))
      if let what = end.unreapable { return .failed(Self.unreapable(name, what, outcome: outcome)) }
      let limit = end.limitText.map { "; it \($0)" } ?? ""
      return .failed(
        StorageError(
          error.kind == .timeout ? .deadlineExceeded : .cancelled,
          "\(name) answered neither \(method) nor its cancellation and was ended\(limit)\(lines)", outcome: outcome,
          details: end.details))
    case .violation:
      let end = await end(child, .kill(error.message))
      if let what = end.unreapable { return .failed(Self.unreapable(name, what, outcome: outcome)) }
      return .failed(
        StorageError(
          error.code == .messageTooLarge ? .messageTooLarge : .protocolViolation, "\(error.message); it was ended",
          outcome: outcome, details: end.details))
    case .closed:
      let end = await end(child, child.hasExited ? .exited : .kill(error.message))
      // A read that its launcher took along has no fault of the plugin's to tell: its successor is asked. Of a stream
      // something may have passed already.
      let isLost = annotations.mutating || annotations.stream != .none || !end.isLaunchersEnd
      if error.mayHaveRun, isLost { return .failed(.lost(method, end, name: name, outcome: outcome)) }
      if end.unreapable != nil { return .failed(.lost(method, end, name: name, outcome: .notStarted)) }
      return .untouched(.lost(method, end, name: name, outcome: .notStarted))
    }
  }
}
