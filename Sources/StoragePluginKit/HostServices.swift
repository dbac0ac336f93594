// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import JSONRPC
public import StorageProtocol

/// Services of the host, called on behalf of one request; the host lets them live no longer than that.
public struct HostServices: Sendable {
  private let peer: Peer
  /// The request the calls belong to; member `parent` of every host service.
  public let parent: Int64
  private let timeout: Duration

  init(peer: Peer, parent: Int64, timeout: Duration) {
    self.peer = peer
    self.parent = parent
    self.timeout = timeout
  }

  /// Calls any host service: `try await call.host(HostMount.self, .init(parent: call.host.parent, …))`.
  ///
  /// - Throws: `HOST_DENIED` when the administrator has not granted it, or what the service itself reports.
  public func callAsFunction<Method: StorageMethod>(
    _ method: Method.Type, _ params: Method.Params
  ) async throws(StorageError) -> Method.Result {
    let answer: JSON
    do throws(RPCError) {
      answer = try await peer.call(method.name, params.json(), timeout: min(timeout, method.annotations.defaultTimeout))
    } catch {
      throw StorageError(error)
    }
    do throws(JSONError) {
      return try Method.Result(json: answer, path: .root)
    } catch {
      throw StorageError(.internalError, "\(method.name) answered something else: \(error)", outcome: .unknown)
    }
  }

  /// A line for the host's log: no secrets, no line feeds. Lost when the host is gone.
  public func log(_ level: LogLevel, _ message: String, fields: [String: String]? = nil) {
    let params = HostLog.Params(
      level: level, message: ForeignText.bounded(message, limit: 8191), fields: fields, parent: parent)
    try? peer.notify(HostLog.name, params.json())
  }

  /// The value of a sensitive property of the storage; nil when it is not set. Keep it out of logs and arguments.
  public func secret(_ name: String) async throws(StorageError) -> String? {
    try await self(HostSecretGet.self, .init(parent: parent, name: name)).value
  }

  /// The storage's configuration as it is now.
  public func config() async throws(StorageError) -> JSONObject {
    try await self(HostConfigRead.self, .init(parent: parent)).scfg
  }

  /// Reads from the plugin's small durable memory.
  public func journal(_ key: String) async throws(StorageError) -> String? {
    try await self(HostJournalGet.self, .init(parent: parent, key: key)).value
  }

  /// Writes to the plugin's small durable memory; nil removes. Durable when this returns.
  public func setJournal(_ key: String, _ value: String?) async throws(StorageError) {
    if let value {
      _ = try await self(HostJournalPut.self, .init(parent: parent, key: key, value: value))
    } else {
      _ = try await self(HostJournalDelete.self, .init(parent: parent, key: key))
    }
  }

  /// Does the work under a lock of the plugin's own; the work gets the fencing token.
  public func withLock<Value: Sendable>(
    _ name: String, wait: Duration = .seconds(10), ttl: Duration = .seconds(60),
    _ work: (_ token: Int64) async throws -> Value
  ) async throws -> Value {
    let lease = try await self(
      HostLockAcquire.self,
      .init(parent: parent, name: name, waitMs: wait.wholeMilliseconds, ttlMs: Int(ttl.wholeMilliseconds)))
    func release() async {
      // A lease that cannot be given back ends with its time.
      _ = try? await self(HostLockRelease.self, .init(parent: parent, name: name, token: lease.token))
    }
    do {
      let value = try await work(lease.token)
      await release()
      return value
    } catch {
      await release()
      throw error
    }
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
