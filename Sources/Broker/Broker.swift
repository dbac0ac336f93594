// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Logging
public import PluginSandbox
public import StorageProtocol

/// Does privileged storage work for plugins: typed operations, checked against what was granted, on targets that the
/// host chooses, each by a short-lived worker with the least privileges.
///
/// Everything that outlives a call (a mount, a loop device, a node, an attachment) has a handle, written down before it
/// is made and forgotten after it is gone: a daemon that was killed knows what its plugins hold.
public actor Broker {
  let launcher: Launcher
  let store: any BrokerStore
  let logger: Logger
  let turns = Turns()
  var handles: [String: Handle] = [:]
  /// Workers that survived their kill, by storage.
  private var hung: [String: Int] = [:]
  private static let hungLimit = 3

  /// - Parameter launcher: starts the workers; of the scope that the plugins' sandboxes are in.
  public init(launcher: Launcher, store: any BrokerStore, logger: Logger) {
    self.launcher = launcher
    self.store = store
    self.logger = logger
  }

  /// Serves one broker call of a plugin. The arguments fit the method; its parent is in flight.
  ///
  /// Cancelling the task kills the worker; what it had half done is undone.
  public func call(
    _ method: String, _ params: JSON, for client: BrokerClient
  ) async throws(StorageError) -> JSON {
    let start = ContinuousClock.now
    do throws(StorageError) {
      if hung[client.storeid, default: 0] >= Self.hungLimit {
        throw StorageError(
          .storageUnavailable,
          "\(Self.hungLimit) broker workers of storage '\(client.storeid)' hang in the kernel; no more are started",
          outcome: .notStarted, hint: "its server or device does not answer; they end when it does")
      }
      let result = try await serve(method, params, client)
      await audit(method, params, client, nil, start)
      return result
    } catch {
      await audit(method, params, client, error, start)
      throw error
    }
  }

  private func serve(
    _ method: String, _ params: JSON, _ client: BrokerClient
  ) async throws(StorageError) -> JSON {
    let service = try GrantedService(method, client)
    switch method {
    case HostMount.name: return try await mount(try decode(params), service).json()
    case HostUnmount.name: return try await unmount(try decode(params), service).json()
    case HostLoopAttach.name: return try await attachLoop(try decode(params), service).json()
    case HostLoopDetach.name: return try await detachLoop(try decode(params), service).json()
    case HostLvmReport.name: return try await lvmReport(try decode(params), service).json()
    case HostLvmCreate.name: return try await lvmCreate(try decode(params), service).json()
    case HostLvmRemove.name: return try await lvmRemove(try decode(params), service).json()
    case HostLvmRename.name: return try await lvmRename(try decode(params), service).json()
    case HostLvmResize.name: return try await lvmResize(try decode(params), service).json()
    case HostLvmSnapshot.name: return try await lvmSnapshot(try decode(params), service).json()
    case HostLvmMerge.name: return try await lvmMerge(try decode(params), service).json()
    case HostLvmActivate.name: return try await lvmActivate(try decode(params), service).json()
    case HostLvmDeactivate.name: return try await lvmDeactivate(try decode(params), service).json()
    case HostLvmTag.name: return try await lvmTag(try decode(params), service).json()
    case HostDeviceOpen.name: return try await openDevice(try decode(params), service).json()
    case HostExec.name: return try await exec(try decode(params), service).json()
    case HostBtrfsSubvolumeCreate.name: return try await createSubvolume(try decode(params), service).json()
    case HostBtrfsSubvolumeSnapshot.name: return try await snapshotSubvolume(try decode(params), service).json()
    case HostBtrfsSubvolumeDelete.name: return try await deleteSubvolume(try decode(params), service).json()
    case HostBtrfsSubvolumeList.name: return try await listSubvolumes(try decode(params), service).json()
    case HostBtrfsSubvolumeSetReadOnly.name: return try await setSubvolumeReadOnly(try decode(params), service).json()
    case HostBtrfsSend.name: return try await sendSubvolumes(try decode(params), service).json()
    case HostBtrfsReceive.name: return try await receiveSubvolumes(try decode(params), service).json()
    case HostBlockAttach.name: return try await attachBlock(try decode(params), service).json()
    case HostBlockDetach.name: return try await detachBlock(try decode(params), service).json()
    default: throw .denied("\(method) is no service of the broker")
    }
  }

  func decode<Params: JSONDecodable>(_ params: JSON) throws(StorageError) -> Params {
    do throws(JSONError) { return try Params(json: params, path: .root) } catch {
      throw StorageError(.invalidParams, error, outcome: .notStarted)
    }
  }

  /// Has a worker do it.
  ///
  /// - Parameter deadline: the worker's whole life; the parent's deadline ends it earlier, by cancellation.
  func perform(
    _ operation: BrokerOperation, _ method: String, storeid: String, within deadline: Duration = .seconds(60)
  ) async throws(StorageError) -> BrokerOutcome {
    do throws(SandboxError) {
      return try await launcher.perform(operation, within: deadline) { [weak self] in
        Task { await self?.workerEnded(storeid) }
      }
    } catch {
      if error.code == .unreapable {
        hung[storeid, default: 0] += 1
        logger.critical("\(error)", metadata: ["storeid": "\(storeid)", "method": "\(method)"])
      }
      throw StorageError(error, method: method)
    }
  }

  private func workerEnded(_ storeid: String) {
    hung[storeid, default: 1] -= 1
    logger.notice("a hung broker worker has ended", metadata: ["storeid": "\(storeid)"])
  }

  /// The error for an operation that ran and failed.
  func failure(_ outcome: BrokerOutcome, _ method: String, missing: StorageError.Code = .volumeNotFound)
    -> StorageError
  {
    let code: StorageError.Code =
      switch outcome.error {
      case 2, 6, 19: missing  // ENOENT, ENXIO, ENODEV
      case 16: .volumeBusy
      case 17: .volumeExists
      case 28: .noSpace
      // EPERM, EXDEV, ENOTDIR, EISDIR, EINVAL, EMLINK, ELOOP, ESTALE: what the worker's own checks say.
      case 1, 18, 20, 21, 22, 31, 40, 116: .hostDenied
      default: .backendError
      }
    return StorageError(
      code, "\(method): \(ForeignText.bounded(outcome.detail, limit: 400)): \(ErrnoText.describe(outcome.error))",
      outcome: .rolledBack)
  }

  private func audit(
    _ method: String, _ params: JSON, _ client: BrokerClient, _ error: StorageError?,
    _ start: ContinuousClock.Instant
  ) async {
    let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
    var shown = params.objectValue ?? [:]
    if shown["stdin"] != nil { shown["stdin"] = "…" }
    let arguments = ForeignText.bounded(JSON.object(shown).text(), limit: 1_024)
    let result = error.map { "\($0.code.symbol): \($0.message)" } ?? "done"
    var metadata: Logger.Metadata = [
      "method": "\(method)", "plugin": "\(client.plugin)", "storeid": "\(client.storeid)", "arguments": "\(arguments)",
      "ms": "\(milliseconds)",
    ]
    if let error { metadata["error"] = "\(error.code.symbol)" }
    logger.log(level: error == nil ? .notice : .warning, "broker: \(result)", metadata: metadata)
    let entry: JSONObject = [
      "method": .string(method), "plugin": .string(client.plugin), "storeid": .string(client.storeid),
      "arguments": .string(arguments), "result": .string(result), "ms": .int(Int64(milliseconds)),
    ]
    await store.audit(JSON.object(entry).text())
  }
}
