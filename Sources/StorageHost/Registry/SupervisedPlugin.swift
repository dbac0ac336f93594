// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import JSONRPC
internal import Jobs
internal import Logging
internal import PluginSupervisor
internal import StorageProtocol

/// A supervised process as the host's operations call it.
struct SupervisedPlugin: LivePlugin {
  let instance: PluginInstance
  let logger: Logger
  let grants: [String]
  /// How its supervisor ends it; at once for all who use it, when that is urgent.
  let end: @Sendable (_ isUrgent: Bool) async throws(StorageError) -> Void

  func call(_ method: String, _ params: JSONObject, _ run: CallRun) async throws(StorageError) -> JSONObject {
    let answer = try await instance.call(method, params, context: run.context, options: run.options)
    return try normalized(method, answer)
  }

  /// The result as the protocol has it: what does not fit is the plugin's fault, what is unknown is left out.
  private func normalized(_ method: String, _ answer: JSON) throws(StorageError) -> JSONObject {
    guard let description = MethodTable[method] else { return answer.objectValue ?? [:] }
    do throws(JSONError) { return try description.normalizedResult(answer).object() } catch {
      throw .make(
        .resultInvalid, "the result of \(method) by \(instance.configuration.bundle.id) is wrong: \(error)",
        outcome: description.annotations.mutating ? .unknown : .notStarted,
        hint: "this is a fault of the plugin: tell its vendor, with the log")
    }
  }

  func export(
    _ method: String, _ params: JSONObject, _ run: CallRun, to sink: StreamSink, options: StreamOptions
  ) async throws(StorageError) -> (JSONObject, StreamReport) {
    let (answer, report) = try await instance.export(
      method, params, to: sink, stream: options, context: run.context, options: run.options)
    return (try normalized(method, answer), report)
  }

  func `import`(
    _ method: String, _ params: JSONObject, _ run: CallRun, from source: StreamSource, options: StreamOptions
  ) async throws(StorageError) -> (JSONObject, StreamReport) {
    let (answer, report) = try await instance.import(
      method, params, from: source, stream: options, context: run.context, options: run.options)
    return (try normalized(method, answer), report)
  }

  func kill() async -> String? {
    do throws(StorageError) {
      try await instance.kill(reason: "the time of its lock is spent")
      return nil
    } catch { return error.message }
  }

  func stopIfUnused() async { await instance.stopIfUnused() }

  var isRunning: Bool { instance.isRunning }
  var digest: String { instance.configuration.bundle.digest }
  var process: ObjectIdentifier { ObjectIdentifier(instance) }
  func epoch() async -> Int64 { await instance.currentEpoch }
  func state() async -> String { await instance.status.state.rawValue }
  func start() async throws(StorageError) { try await instance.start() }
  func release() async { await instance.release() }

  func close(isUrgent: Bool) async {
    do throws(StorageError) { try await end(isUrgent) } catch {
      logger.error("\(error.message)")
    }
  }
}

extension CallRun {
  /// What goes into the request.
  var context: CallContext {
    var context = CallContext(traceparent: traceparent, actor: actor)
    context.idempotencyKey = idempotencyKey
    context.progress = job != nil ? true : nil
    context.lock = lock.map { lock in
      LockLease(
        name: lock.name, scope: LockScope(rawValue: lock.scope) ?? .none, token: Int64(clamping: lock.token),
        ttlMs: Int64(lock.ttl / .milliseconds(1)))
    }
    return context
  }

  var options: CallOptions {
    var options = CallOptions(timeout: timeout)
    options.isUse = !isLook
    guard let job else { return options }
    options.onProgress = { progress in
      guard case .report(let report) = progress else { return }
      job.report(
        JobProgress(
          phase: report.phase ?? "", done: report.done, total: report.total, unit: report.unit,
          message: report.message))
    }
    return options
  }
}
