// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import JSON
import JSONRPC
import StoragePluginKit
import StorageProtocol
import Synchronization

/// A host for one plugin, over pipes in the same process: the test plays the host with typed calls.
final class HostSide: Sendable {
  let peer: Peer
  private let reactor: Reactor
  private let served: Task<RPCError?, Never>
  /// Notifications of the plugin, in order.
  let notifications: Notifications
  /// What the host answers to services, by name.
  let services: Mutex<[String: any Service]>

  final class Notifications: Sendable {
    let all = Mutex<[(method: String, params: JSON)]>([])
  }

  init(_ plugin: StoragePlugin) throws {
    let reactor = try Reactor()
    var down: [Int32] = [-1, -1]
    var up: [Int32] = [-1, -1]
    precondition(berth_pipe(&down) == 0 && berth_pipe(&up) == 0, "no pipes")
    let (pluginReads, pluginWrites) = (down[0], up[1])
    served = Task { try? await plugin.serve(reading: pluginReads, writing: pluginWrites, reactor: reactor) }
    let notifications = Notifications()
    let table = Services()
    self.notifications = notifications
    self.reactor = reactor
    var configuration = PeerConfiguration()
    configuration.name = "plugin"
    peer = try Peer(
      reading: up[0], writing: down[1], reactor: reactor, configuration: configuration,
      handlers: PeerHandlers(
        request: { request throws(RPCError) in try table.answer(request) },
        notification: { method, params in notifications.all.withLock { $0.append((method, params)) } }))
    services = Mutex([:])
    table.host.withLock { $0 = self }
  }

  private final class Services: Sendable {
    let host = Mutex<HostSide?>(nil)

    func answer(_ request: IncomingRequest) throws(RPCError) -> JSON {
      guard let service = host.withLock({ $0 })?.services.withLock({ $0[request.method] }) else {
        throw RPCError(StorageError(.hostDenied, "\(request.method) is not granted", outcome: .notStarted))
      }
      return try service.answer(request.params)
    }
  }

  func serve<Method: StorageMethod>(
    _ method: Method.Type, _ body: @escaping @Sendable (Method.Params) -> Method.Result
  ) {
    services.withLock { $0[method.name] = TypedService<Method>(body: body) }
  }

  /// Calls the plugin; what it answers, or its error.
  func call<Method: StorageMethod>(
    _ method: Method.Type, _ params: Method.Params, context: CallContext? = nil,
    onProgress: (@Sendable (CallProgress) -> Void)? = nil
  ) async throws -> Method.Result {
    let json = context.map { $0.merged(into: params.json()) } ?? params.json()
    do {
      return try Method.Result(
        json: try await peer.call(method.name, json, timeout: .seconds(60), onProgress: onProgress))
    } catch let error as RPCError {
      throw StorageError(error)
    }
  }

  static let hello = Initialize.Params(
    protocolVersions: .supported, profiles: ["pve-storage": ProfileRange(min: 9, max: 15)],
    host: HostInfo(name: "test", version: "1", node: "here"), hostServices: ["host.log"], limits: WireLimits(),
    streams: [.fifo], session: SessionInfo(id: "s", epoch: 1), storeid: "local", storageType: "kit")

  /// A host that has greeted the plugin.
  static func ready(_ plugin: StoragePlugin) async throws -> HostSide {
    let host = try HostSide(plugin)
    _ = try await host.call(Initialize.self, hello)
    try host.peer.notify(Initialized.name, [:])
    return host
  }

  /// The end: the plugin sees the host leave and stops serving.
  func end() async -> RPCError? {
    peer.close(RPCError(kind: .closed, code: .pluginCrashed, message: "the test is over", mayHaveRun: true))
    return await served.value
  }
}

/// Answers one host service, types erased.
protocol Service: Sendable {
  func answer(_ json: JSON) throws(RPCError) -> JSON
}

private struct TypedService<Method: StorageMethod>: Service {
  let body: @Sendable (Method.Params) -> Method.Result

  func answer(_ json: JSON) throws(RPCError) -> JSON {
    let params: Method.Params
    do throws(JSONError) {
      params = try Method.Params(json: json, path: .root)
    } catch {
      throw .invalidParams(error)
    }
    return body(params).json()
  }
}

extension CallContext {
  /// What a host says about a mutating call.
  static func locked(token: Int64 = 1, key: String = "k1", name: String = "storage/local") -> CallContext {
    CallContext(
      timeoutMs: 30_000, idempotencyKey: key,
      lock: LockLease(name: name, scope: .storage, token: token, ttlMs: 60_000), progress: true)
  }
}
