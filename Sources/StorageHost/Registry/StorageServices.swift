// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Broker
internal import ClusterLocks
internal import JSON
internal import Jobs
internal import PluginSandbox
internal import PluginSupervisor
internal import StorageConfig
internal import StorageProtocol
internal import Synchronization

/// What plugins may ask of the host: secrets, their own configuration, a small durable memory, locks of their own.
final class StorageServices: HostServices {
  private let config: ConfigStore
  private let notes: Notes
  private let locks: any LockService
  /// Secrets of storages that are being added or changed, not stored yet.
  private let pending = MutexBox<[String: [String: String?]]>([:])
  private let held = Mutex<[HostServiceCaller: [Lease]]>([:])

  /// Does privileged work for plugins; nil where the daemon has no means to.
  private let broker: Broker?

  init(config: ConfigStore, notes: Notes, locks: any LockService, broker: Broker?) {
    self.broker = broker
    self.config = config
    self.notes = notes
    self.locks = locks
  }

  /// Makes values available to a candidate before they are stored; nil means the secret is being deleted.
  func offer(_ secrets: [String: String?]?, for storeid: String) { pending.value[storeid] = secrets }

  func secret(_ name: String, for caller: HostServiceCaller) async throws(StorageError) -> String? {
    guard let storeid = caller.storeid else { return nil }
    if let offered = pending.value[storeid], let value = offered[name] { return value }
    do throws(ConfigError) { return try await config.secrets.secret(name, of: storeid)?.value } catch {
      throw StorageError(error)
    }
  }

  func configuration(for caller: HostServiceCaller) async throws(StorageError) -> JSONObject {
    guard let storeid = caller.storeid else { return [:] }
    do throws(ConfigError) { return try config.snapshot.storage(storeid).config } catch { throw StorageError(error) }
  }

  private func scope(_ caller: HostServiceCaller) -> String { "plugin\n\(caller.plugin)\n\(caller.storeid ?? "")" }

  func journalValue(_ key: String, for caller: HostServiceCaller) async throws(StorageError) -> String? {
    do throws(JobsError) { return try await notes.get(scope(caller), key) } catch { throw StorageError(error) }
  }

  func setJournalValue(
    _ key: String, _ value: String?, for caller: HostServiceCaller
  ) async throws(StorageError) {
    do throws(JobsError) {
      if let value {
        try await notes.put(scope(caller), key, value)
      } else {
        try await notes.delete(scope(caller), key)
      }
    } catch { throw StorageError(error) }
  }

  /// Forgets what the plugin remembered about a storage that is gone.
  func forget(plugin: String, storeid: String) async {
    try? await notes.delete("plugin\n\(plugin)\n\(storeid)")
  }

  func acquireLock(
    _ request: HostLockAcquire.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockAcquire.Result {
    let name = LockName.plugin(caller.storeid ?? caller.plugin, request.name)
    let wanted = LockRequest(
      name, owner: caller.plugin, operation: caller.parentMethod, ttl: .milliseconds(request.ttlMs),
      timeout: .milliseconds(request.waitMs))
    let lease: Lease
    do throws(LockError) { lease = try await locks.acquire(wanted) } catch { throw StorageError(error, lock: name) }
    held.withLock { $0[caller, default: []].append(lease) }
    return HostLockAcquire.Result(token: Int64(clamping: lease.token.rawValue), ttlMs: milliseconds(lease.ttl))
  }

  func renewLock(
    _ request: HostLockRenew.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockRenew.Result {
    let lease = try lease(request.name, request.token, caller)
    do throws(LockError) { try await locks.renew(lease) } catch { throw StorageError(error, lock: lease.name) }
    return HostLockRenew.Result(ttlMs: milliseconds(lease.ttl))
  }

  func releaseLock(_ request: HostLockRelease.Params, for caller: HostServiceCaller) async throws(StorageError) {
    let lease = try lease(request.name, request.token, caller)
    held.withLock { held in held[caller]?.removeAll { $0 == lease } }
    await locks.release(lease)
  }

  func broker(
    _ method: String, _ params: JSON, for caller: HostServiceCaller, plan: LaunchPlan, stream: HostStream?
  ) async throws(StorageError) -> JSON {
    guard let broker, let storeid = caller.storeid else {
      throw .refused(
        .hostDenied, "\(method) is not offered by this host",
        hint: "broker operations need a daemon that runs as root")
    }
    let client = BrokerClient(
      plugin: caller.plugin, storeid: storeid, holder: plan.holder, permissions: plan.permissions, uid: plan.uid,
      sandbox: plan.instance, directory: plan.brokerDirectory,
      stream: stream.map(BrokerStream.init)
    ) { name async throws(StorageError) in try await self.secret(name, for: caller) }
    return try await broker.call(method, params, for: client)
  }

  func parentEnded(_ caller: HostServiceCaller) async {
    let leases = held.withLock { $0.removeValue(forKey: caller) } ?? []
    await locks.releaseAll(leases)
  }

  private func lease(
    _ name: String, _ token: Int64, _ caller: HostServiceCaller
  ) throws(StorageError) -> Lease {
    let wanted = LockName.plugin(caller.storeid ?? caller.plugin, name)
    let mine = held.withLock { held in
      held[caller]?.first { $0.name == wanted && Int64(clamping: $0.token.rawValue) == token }
    }
    guard let mine else {
      throw .refused(.lockLost, "the plugin does not hold the lock \(Quoted(name))", hint: nil)
    }
    return mine
  }

  private func milliseconds(_ duration: Duration) -> Int64 { Int64(duration / .milliseconds(1)) }
}

extension BrokerStream {
  init(_ stream: HostStream) {
    self.init(isExport: stream.isExport) { pipe, limit async throws(StorageError) in
      switch await stream.move(pipe, limit: limit) {
      case .success(let claim):
        return Account(
          bytes: claim.bytes,
          digest: claim.digest.map {
            WireDigest(algorithm: WireDigestAlgorithm(rawValue: $0.algorithm.rawValue), value: $0.value)
          })
      case .failure(let failure):
        throw StorageError(
          failure.code == .setup ? .internalError : .streamBroken, failure.description, outcome: .rolledBack,
          details: ["bytes": .int(failure.bytes), "cause": .string(failure.code.rawValue)])
      }
    }
  }
}
