// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import PluginSandbox
public import StorageProtocol

/// What the host does for its plugins; implemented above the supervisor.
///
/// The supervisor has checked every request before it gets here: the method is granted, its arguments fit, its parent is
/// in flight, a secret's name is declared. A service runs at most until the parent's deadline; then its task is
/// cancelled.
public protocol HostServices: Sendable {
  /// The value of a sensitive property of the caller's storage; nil when it is not set. Never log it.
  func secret(_ name: String, for caller: HostServiceCaller) async throws(StorageError) -> String?
  /// The storage's own configuration, without secrets.
  func configuration(for caller: HostServiceCaller) async throws(StorageError) -> JSONObject
  /// A value of the plugin's small durable memory; nil when there is none.
  func journalValue(_ key: String, for caller: HostServiceCaller) async throws(StorageError) -> String?
  /// Stores (nil: removes) a value; durable when it returns.
  func setJournalValue(_ key: String, _ value: String?, for caller: HostServiceCaller) async throws(StorageError)
  /// Takes, renews and releases the plugin's own locks, apart from the host's.
  func acquireLock(
    _ request: HostLockAcquire.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockAcquire.Result
  func renewLock(
    _ request: HostLockRenew.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockRenew.Result
  func releaseLock(_ request: HostLockRelease.Params, for caller: HostServiceCaller) async throws(StorageError)
  /// Everything else: mounts, loop devices, devices, programs. The arguments fit the method; `plan` is what the calling
  /// process was started with, `stream` the one of the request that it serves.
  func broker(
    _ method: String, _ params: JSON, for caller: HostServiceCaller, plan: LaunchPlan, stream: HostStream?
  ) async throws(StorageError) -> JSON
  /// The parent request has been answered: locks taken for it are released.
  func parentEnded(_ caller: HostServiceCaller) async
}

/// Who asks for a host service, and on whose behalf.
public struct HostServiceCaller: Sendable, Hashable {
  /// The plugin's id.
  public var plugin: String
  /// The storage the parent request is about.
  public var storeid: String?
  /// Which start of the child asks.
  public var epoch: Int64
  /// The id of the host's request that the work serves.
  public var parent: Int64
  /// That request's method.
  public var parentMethod: String
}

/// The services of a host that offers none beyond the log: for checkers and short-lived candidates.
public struct NoHostServices: HostServices {
  public init() {}

  private func denied(_ what: String) -> StorageError {
    StorageError(.hostDenied, "\(what) is not offered by this host", outcome: .notStarted)
  }

  public func secret(_ name: String, for caller: HostServiceCaller) async throws(StorageError) -> String? { nil }

  public func configuration(for caller: HostServiceCaller) async throws(StorageError) -> JSONObject {
    throw denied("host.config.read")
  }

  public func journalValue(_ key: String, for caller: HostServiceCaller) async throws(StorageError) -> String? {
    throw denied("host.journal.get")
  }

  public func setJournalValue(
    _ key: String, _ value: String?, for caller: HostServiceCaller
  ) async throws(StorageError) {
    throw denied("host.journal")
  }

  public func acquireLock(
    _ request: HostLockAcquire.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockAcquire.Result {
    throw denied("host.lock.acquire")
  }

  public func renewLock(
    _ request: HostLockRenew.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockRenew.Result {
    throw denied("host.lock.renew")
  }

  public func releaseLock(
    _ request: HostLockRelease.Params, for caller: HostServiceCaller
  ) async throws(StorageError) {
    throw denied("host.lock.release")
  }

  public func broker(
    _ method: String, _ params: JSON, for caller: HostServiceCaller, plan: LaunchPlan, stream: HostStream?
  ) async throws(StorageError) -> JSON {
    throw denied(method)
  }

  public func parentEnded(_ caller: HostServiceCaller) async {}
}
