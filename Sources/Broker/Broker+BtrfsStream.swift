// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import JSON
internal import PluginSandbox
internal import StorageProtocol

/// btrfs subvolumes as streams. The worker's end is a pipe, the other the stream of the call that the request serves.
extension Broker {
  /// As long as a transfer may take; the parent's deadline ends it earlier.
  private static let longest = Duration.seconds(86_399)

  func sendSubvolumes(
    _ params: HostBtrfsSend.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBtrfsSend.Result {
    let stream = try stream(service, isExport: true)
    guard !params.paths.isEmpty else { throw .invalid("paths is empty") }
    var operation = BrokerOperation(.btrfsSend)
    for path in params.paths {
      let location = try service.admitted(path, writes: false)
      guard operation.arguments.isEmpty || operation.location.root == location.root else {
        throw .invalid("the subvolumes of one stream must lie beneath one granted directory")
      }
      operation.location.root = location.root
      operation.arguments.append(location.path)
    }
    if let base = params.base { operation.second = try service.admitted(base, writes: false) }
    let (_, account) = try await move(operation, service, stream, limit: nil)
    return HostBtrfsSend.Result(bytes: account.bytes, digest: account.digest)
  }

  func receiveSubvolumes(
    _ params: HostBtrfsReceive.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBtrfsReceive.Result {
    let stream = try stream(service, isExport: false)
    let location = try service.location(params.path, writes: true)
    let limits = try service.admit(["path": params.path])
    let limit = limits["maxBytes"].flatMap { Int64($0) }
    if limits["maxBytes"] != nil, limit == nil {
      throw .denied("the limit maxBytes of \(service.method)'s grant is no number of bytes")
    }
    var operation = BrokerOperation(.btrfsReceive)
    operation.location = location
    if let base = params.base { operation.second = try service.admitted(base, writes: false) }
    if params.snapshots == true { operation.flags.insert(.several) }
    var new = Handle(.stage, service.client, request: params.path)
    (new.place, new.name) = (location.root, location.path)
    operation.name = new.id
    let planned = operation
    var result: (BrokerOutcome, BrokerStream.Account)?
    let handle = try await make(new) { _ async throws(StorageError) in
      result = try await self.move(planned, service, stream, limit: limit)
    }
    try await release(handle, force: true)
    guard let (outcome, account) = result, let records = SubvolumeRecord.all(in: outcome.output) else {
      throw StorageError(.backendError, "\(service.method): the worker's list is cut off", outcome: .completed)
    }
    let directory = String(params.path.prefix(through: params.path.lastIndex(of: "/") ?? params.path.startIndex))
    return HostBtrfsReceive.Result(
      subvolumes: records.map { $0.subvolume(below: String(directory.dropLast())) }, bytes: account.bytes,
      digest: account.digest)
  }

  /// Removes the place beside its target that a receive worked in.
  func removeStage(_ handle: Handle) async throws(StorageError) {
    var operation = BrokerOperation(.btrfs, verb: BrokerOperation.Btrfs.unstage.rawValue)
    operation.location = BrokerOperation.Location(root: handle.place, path: handle.name)
    operation.name = handle.id
    let outcome = try await perform(operation, "release", storeid: handle.storeid)
    if outcome.error != 0, outcome.error != ENOENT { throw failure(outcome, "release of \(handle.path)") }
  }

  /// The stream of the call that the request serves.
  private func stream(_ service: GrantedService, isExport: Bool) throws(StorageError) -> BrokerStream {
    guard let stream = service.client.stream, stream.isExport == isExport else {
      throw .denied(
        "\(service.method) serves \(isExport ? "volume_export" : "volume_import") only: its parent has no such stream")
    }
    return stream
  }

  /// Runs the worker and moves its bytes, until both have ended.
  private func move(
    _ operation: BrokerOperation, _ service: GrantedService, _ stream: BrokerStream, limit: Int64?
  ) async throws(StorageError) -> (BrokerOutcome, BrokerStream.Account) {
    var ends: [Int32] = [-1, -1]
    guard berth_pipe(&ends) == 0 else {
      throw StorageError(
        .internalError, "\(service.method): no pipe: \(ErrnoText.describe(errno))", outcome: .notStarted)
    }
    let (reader, writer) = (ends[0], ends[1])
    var operation = operation
    if stream.isExport { operation.outputDescriptor = writer } else { operation.inputDescriptor = reader }
    let own = stream.isExport ? reader : writer
    let moving = Task { () async -> Result<BrokerStream.Account, StorageError> in
      do throws(StorageError) { return .success(try await stream.move(own, limit)) } catch { return .failure(error) }
    }
    let result: Result<BrokerOutcome, StorageError>
    do throws(StorageError) {
      result = .success(
        try await perform(operation, service.method, storeid: service.client.storeid, within: Self.longest))
    } catch { result = .failure(error) }
    // The worker has ended: with this end closed the other one ends too.
    close(stream.isExport ? writer : reader)
    let moved = await moving.value
    let outcome = try result.get()
    switch moved {
    case .success(let account) where outcome.error == 0: return (outcome, account)
    // The reader's going away is what the worker's failure looks like from the other side.
    case .failure(let error) where outcome.error == 0 || error.details["cause"] != "gone": throw error
    default: throw streamFailure(outcome, service.method)
    }
  }

  private func streamFailure(_ outcome: BrokerOutcome, _ method: String) -> StorageError {
    var error = failure(outcome, method)
    // What the tool complained of last.
    let lines = String(decoding: outcome.errors, as: UTF8.self).split(separator: "\n")
    let said = (lines.last { $0.hasPrefix("ERROR") } ?? lines.last).map(String.init) ?? ""
    switch outcome.error {
    case EBADMSG where said.contains(ErrnoText.describe(ENOSPC)): error.code = .noSpace
    case EBADMSG:
      error.code = .streamBroken
      error.hint = "it was cut off or changed, or builds on another snapshot than the receiver's"
    case EPIPE: error.code = .streamBroken
    case ENOTSUP: error.hint = "the storage's directory must be on btrfs"
    case ENOPKG: error.hint = "install btrfs-progs on this host"
    default: break
    }
    if [EBADMSG, EIO].contains(outcome.error), !said.isEmpty {
      error.message += ": \(ForeignText.bounded(said, limit: 300))"
    }
    return error
  }
}
