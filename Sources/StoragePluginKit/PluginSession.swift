// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import JSONRPC
internal import StorageProtocol
internal import Synchronization

/// The state of one connection to a host.
final class PluginSession: Sendable {
  private enum Phase {
    case waiting
    case ready
    case ending
  }

  private struct State {
    var phase = Phase.waiting
    var running = 0
    var idle: [UnsafeContinuation<Void, Never>] = []
  }

  private let plugin: StoragePlugin
  private let state = Mutex(State())
  private let fences = FenceTable()
  private let replays = ReplayTable()
  /// Set right after the peer is made, before any request can be served.
  private let peer = Mutex<Peer?>(nil)

  init(_ plugin: StoragePlugin) {
    self.plugin = plugin
  }

  func attach(_ peer: Peer) { self.peer.withLock { $0 = peer } }

  func serve(_ request: IncomingRequest) async throws(RPCError) -> JSON {
    do throws(StorageError) {
      switch request.method {
      case Initialize.name: return try initialize(request.params)
      case Shutdown.name: return await shutdown()
      default: return try await dispatch(request)
      }
    } catch {
      throw RPCError(error)
    }
  }

  private func initialize(_ json: JSON) throws(StorageError) -> JSON {
    let params: Initialize.Params
    do throws(JSONError) {
      params = try Initialize.Params(json: json, path: .root)
    } catch {
      throw StorageError(.invalidParams, error, outcome: .notStarted)
    }
    let facts = plugin.facts
    let version = try VersionNegotiation.choose(host: params.protocolVersions, plugin: facts.protocolVersions)
    let isFirst = state.withLock { state in
      guard case .waiting = state.phase else { return false }
      state.phase = .ready
      return true
    }
    guard isFirst else {
      throw StorageError(.invalidParams, "initialize comes once a session", outcome: .notStarted)
    }
    let peer = peer.withLock { $0 }
    if let limit = params.limits.maxMessageBytes { peer?.limitMessages(to: limit) }
    plugin.onInitialize?(params)
    return Initialize.Result(
      protocolVersion: version, plugin: PluginInfo(id: facts.id, version: facts.version, build: facts.build),
      methods: plugin.methods, concurrency: facts.concurrency, fencing: facts.fencing,
      profiles: VersionNegotiation.profiles(host: params.profiles, plugin: facts.profiles),
      limits: WireLimits(
        maxMessageBytes: (peer?.configuration ?? PeerConfiguration()).maxMessageBytes, maxInFlight: 64)
    ).json()
  }

  /// Refuses new work, waits for what runs, then answers.
  private func shutdown() async -> JSON {
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      let isIdle = state.withLock { state in
        state.phase = .ending
        if state.running > 0 { state.idle.append(continuation) }
        return state.running == 0
      }
      if isIdle { continuation.resume() }
    }
    return Shutdown.Result().json()
  }

  private func dispatch(_ request: IncomingRequest) async throws(StorageError) -> JSON {
    try begin()
    defer { end() }
    guard let handler = plugin.handlers[request.method], let method = MethodTable[request.method] else {
      throw StorageError(
        .methodNotFound, "\(ForeignText.quoted(request.method)) is not implemented", outcome: .notStarted)
    }
    let context: CallContext
    do throws(JSONError) {
      context = try CallContext(params: request.params)
    } catch {
      throw StorageError(.invalidParams, error, outcome: .notStarted)
    }
    if let stranger = context.require?.first(where: { !plugin.features.contains($0) }) {
      throw StorageError(
        .unsupportedFeature, "feature \(ForeignText.quoted(stranger)) is not known here", outcome: .notStarted,
        details: ["feature": .string(stranger)])
    }
    if plugin.facts.fencing != .none, method.annotations.mutating {
      guard let lock = context.lock else {
        throw StorageError(
          .lockRequired, "\(request.method) needs a lock and came without one", outcome: .notStarted)
      }
      try fences.check(lock)
    }
    guard let peer = peer.withLock({ $0 }) else {
      throw StorageError(.shuttingDown, "the connection is ending", outcome: .notStarted)
    }
    let call = PluginCall(request: request, context: context, peer: peer)
    guard method.annotations.mutating, let key = context.idempotencyKey else {
      return try await handler.serve(request.params, call)
    }
    var arguments = request.params.objectValue ?? [:]
    arguments[CallContext.member] = nil
    switch replays.begin(key, method: request.method, params: .object(arguments)) {
    case .answered(let result): return result
    case .running:
      throw StorageError(
        .inProgress, "the same \(request.method) is still running", outcome: .unknown,
        details: ["operation": .string(key)])
    case .conflict:
      throw StorageError(
        .idempotencyConflict, "the idempotency key was used with other arguments", outcome: .notStarted)
    case .new: break
    }
    do throws(StorageError) {
      let result = try await handler.serve(request.params, call)
      replays.finish(key, result)
      return result
    } catch {
      replays.forget(key)
      throw error
    }
  }

  private func begin() throws(StorageError) {
    let refusal: StorageError? = state.withLock { state in
      switch state.phase {
      case .waiting: return StorageError(.notInitialized, "initialize must come first", outcome: .notStarted)
      case .ending: return StorageError(.shuttingDown, "the plugin is shutting down", outcome: .notStarted)
      case .ready:
        state.running += 1
        return nil
      }
    }
    if let refusal { throw refusal }
  }

  private func end() {
    let waiters = state.withLock { state in
      state.running -= 1
      guard state.running == 0 else { return [UnsafeContinuation<Void, Never>]() }
      defer { state.idle = [] }
      return state.idle
    }
    for waiter in waiters { waiter.resume() }
  }
}
