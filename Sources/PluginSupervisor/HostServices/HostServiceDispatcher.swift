// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import JSONRPC
internal import PluginSandbox
internal import StorageProtocol

/// Takes a child's own requests, checks them and has the host's services answer them.
struct HostServiceDispatcher: Sendable {
  let configuration: InstanceConfiguration
  let epoch: Int64
  /// What the child was started with.
  let plan: LaunchPlan
  let parents: ParentCalls
  let services: any HostServices

  /// Answers one request, or throws what the plugin gets for it.
  func handle(_ request: IncomingRequest) async throws(RPCError) -> JSON {
    do throws(StorageError) {
      return try await answer(request.method, request.params)
    } catch {
      throw RPCError(
        RPCError.Code(rawValue: error.code.rawValue), error.message, data: .object(error.data))
    }
  }

  private func answer(_ method: String, _ params: JSON) async throws(StorageError) -> JSON {
    guard let description = MethodTable[method], description.annotations.direction == .pluginToHost,
      description.kind == .request
    else {
      throw StorageError(.methodNotFound, "the host has no service \(quoted(method))", outcome: .notStarted)
    }
    let access = try await access(params)
    guard access.hostServices.contains(method) else {
      throw denied("\(method) is not granted to \(configuration.name)")
    }
    let normalized: JSON
    do throws(JSONError) {
      normalized = try description.normalizedParams(params)
    } catch {
      throw StorageError(.invalidParams, error, outcome: .notStarted)
    }
    guard let id = normalized["parent"]?.intValue, let parent = parents[id] else {
      throw denied("\(method) names no request in flight as its parent")
    }
    let caller = HostServiceCaller(
      plugin: configuration.bundle.id, storeid: configuration.storeid ?? parent.storeid, epoch: epoch, parent: id,
      parentMethod: parent.method)
    let left = parent.deadline - .now
    guard left > .zero else {
      throw StorageError(.deadlineExceeded, "the parent request's time is up", outcome: .notStarted)
    }
    return try await withTimeLimit(left, method) { () async throws(StorageError) -> JSON in
      try await serve(method, normalized, caller, access, parent.stream)
    }
  }

  private func serve(
    _ method: String, _ params: JSON, _ caller: HostServiceCaller, _ access: StorageAccess, _ stream: HostStream?
  ) async throws(StorageError) -> JSON {
    switch method {
    case HostSecretGet.name:
      let name = try decode(params, as: HostSecretGet.Params.self).name
      guard access.secretNames.contains(name) else {
        throw denied("\(quoted(name)) is no property that the manifest declares sensitive")
      }
      return HostSecretGet.Result(value: try await services.secret(name, for: caller)).json()
    case HostConfigRead.name:
      return HostConfigRead.Result(scfg: try await services.configuration(for: caller)).json()
    case HostJournalGet.name:
      let key = try decode(params, as: HostJournalGet.Params.self).key
      return HostJournalGet.Result(value: try await services.journalValue(key, for: caller)).json()
    case HostJournalPut.name:
      let put = try decode(params, as: HostJournalPut.Params.self)
      guard put.value.utf8.count <= 64 << 10 else {
        throw StorageError(.invalidParams, "value has more than 64 KiB", outcome: .notStarted)
      }
      try await services.setJournalValue(put.key, put.value, for: caller)
      return [:]
    case HostJournalDelete.name:
      try await services.setJournalValue(
        try decode(params, as: HostJournalDelete.Params.self).key, nil, for: caller)
      return [:]
    case HostLockAcquire.name:
      let request = try decode(params, as: HostLockAcquire.Params.self)
      // Noted first: a lock that comes through while the parent ends must still be given back.
      guard parents.keep(caller.parent) else { throw denied("the parent request has ended") }
      let lease = try await services.acquireLock(request, for: caller)
      if parents[caller.parent] == nil { await services.parentEnded(caller) }
      return lease.json()
    case HostLockRenew.name:
      return try await services.renewLock(try decode(params, as: HostLockRenew.Params.self), for: caller).json()
    case HostLockRelease.name:
      try await services.releaseLock(try decode(params, as: HostLockRelease.Params.self), for: caller)
      return [:]
    default:
      var plan = plan
      if configuration.sharedAccess != nil, let storeid = caller.storeid {
        // The process has the grants of all; this request has those of its storage, and what it makes is that storage's.
        plan.permissions = access.permissions
        plan.holder = storeid
      }
      return try await services.broker(method, params, for: caller, plan: plan, stream: stream)
    }
  }

  /// What the storage of the request's parent may ask for.
  private func access(_ params: JSON) async throws(StorageError) -> StorageAccess {
    guard let shared = configuration.sharedAccess else {
      return StorageAccess(
        permissions: plan.permissions, hostServices: configuration.hostServices,
        secretNames: configuration.secretNames)
    }
    guard let id = params["parent"]?.intValue, let storeid = parents[id]?.storeid else {
      throw denied("a request of \(configuration.name) has to name one in flight as its parent, which says its storage")
    }
    guard let access = await shared()[storeid] else {
      throw denied("storage \(quoted(storeid)) is not served by \(configuration.name) any more")
    }
    return access
  }

  private func decode<Params: JSONDecodable>(
    _ params: JSON, as type: Params.Type
  ) throws(StorageError) -> Params {
    do throws(JSONError) {
      return try Params(json: params, path: .root)
    } catch {
      throw StorageError(.invalidParams, error, outcome: .notStarted)
    }
  }

  private func denied(_ message: String) -> StorageError {
    StorageError(.hostDenied, message, outcome: .notStarted)
  }
}

/// Runs work that is cancelled, and fails with DEADLINE_EXCEEDED, when its time is up.
func withTimeLimit<Value: Sendable>(
  _ limit: Duration, _ what: String, _ work: @escaping @Sendable () async throws(StorageError) -> Value
) async throws(StorageError) -> Value {
  let result = await withTaskGroup(of: Result<Value, StorageError>?.self) { group in
    group.addTask {
      do throws(StorageError) {
        return .success(try await work())
      } catch {
        return .failure(error)
      }
    }
    group.addTask {
      try? await Task.sleep(for: limit)
      return nil
    }
    let first = await group.next() ?? nil
    group.cancelAll()
    if let first { return first }
    // The time is up; what the work still answers to its cancellation counts as an answer.
    while let late = await group.next() {
      if case .success(let value)? = late { return .success(value) }
    }
    return .failure(
      StorageError(.deadlineExceeded, "\(what) took longer than the \(limit) it had", outcome: .unknown))
  }
  return try result.get()
}
