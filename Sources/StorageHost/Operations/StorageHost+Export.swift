// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import Jobs
public import PluginSupervisor
public import StorageProtocol

extension StorageHost {
  /// The stream formats a volume can be sent in, the best first.
  public func exportFormats(
    _ storeid: String, _ volname: String, _ options: TransferOptions = TransferOptions(), _ caller: Caller
  ) async throws(StorageError) -> [String] {
    let storage = try await checked(storeid, volname, options.snapname)
    return try await formats("volume_export_formats", storage, volname, options, CallRun(caller))
  }

  /// Sends a volume's data.
  ///
  /// The volume's lock is held while a changeable state is sent. A base may be read by others too, but nobody may free
  /// or rename it meanwhile. A snapshot is sent without a lock: its volume is in use and goes on changing.
  /// - Parameters:
  ///   - format: one of `exportFormats`, such as `raw+size`.
  ///   - sink: where the data goes; has got all of it, equal to what the plugin sent, when this returns.
  public func export(
    _ storeid: String, _ volname: String, format: String, to sink: StreamSink,
    _ options: TransferOptions = TransferOptions(), _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    let storage = try await checked(storeid, volname, options.snapname)
    return try await turns.run(.sending, storage.volid(volname), storage.facts, on: storeid) {
      () async throws(StorageError) in
      try await send(storage, volname, format, sink, options, caller)
    }
  }

  private func send(
    _ storage: Storage, _ volname: String, _ format: String, _ sink: StreamSink, _ options: TransferOptions,
    _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    let storeid = storage.id
    let run = CallRun(caller)
    let parsed = try await existing(storage, volname, run)
    try await mustOffer(format, "volume_export_formats", storage, volname, options, run)
    let needsLock = !parsed.isBase && options.snapname == nil
    let mutation = Mutation(
      method: "volume_export", request: [:], volumes: needsLock ? [volname] : [], needsStorageLock: false)
    let leases = needsLock ? try await lock(mutation, on: storeid, caller) : []
    let shared = parsed.isBase ? [volname] : []
    let reads: [String]
    do throws(StorageError) { reads = try await beginReading(shared, mutation.method, on: storeid, caller) } catch {
      await locks.releaseAll(leases)
      throw error
    }
    defer { for read in reads { readers.end(storeid, read) } }
    let result: Result<(JSONObject, StreamReport), StorageError>
    do throws(StorageError) {
      try await renew(leases)
      var arguments = transferArguments(volname, format, options)
      arguments["digest"] = options.digest.map { .string($0.rawValue) }
      result = .success(
        try await storage.plugin.export(
          "volume_export", storage.parameters(arguments), run, to: sink, options: streamOptions(options, [storage])))
    } catch { result = .failure(error) }
    await giveBack(leases, after: result.thrown)
    let (_, report) = try result.get()
    return TransferReport(
      volid: storage.volid(volname), format: format, bytes: report.bytes,
      digest: report.digest.map { "\($0.algorithm.rawValue):\($0.value)" })
  }

  func formats(
    _ method: String, _ storage: Storage, _ volname: String, _ options: TransferOptions, _ run: CallRun
  ) async throws(StorageError) -> [String] {
    let answer = try await storage.call(method, transferArguments(volname, nil, options), run.question)
    return (answer["formats"]?.arrayValue ?? []).compactMap(\.stringValue)
  }

  func mustOffer(
    _ format: String, _ method: String, _ storage: Storage, _ volname: String, _ options: TransferOptions,
    _ run: CallRun
  ) async throws(StorageError) {
    let offered = try await formats(method, storage, volname, options, run)
    guard offered.contains(format) else {
      throw .refused(
        .formatUnsupported, "'\(storage.volid(volname))' cannot be transferred as \(Quoted(format))",
        hint: offered.isEmpty
          ? "the storage offers no format for this" : "it offers: \(offered.joined(separator: ", "))",
        field: "format")
    }
  }

  func transferArguments(_ volname: String, _ format: String?, _ options: TransferOptions) -> JSONObject {
    var arguments: JSONObject = ["volname": .string(volname)]
    arguments["format"] = format.map(JSON.string)
    arguments["snapname"] = options.snapname.map(JSON.string)
    arguments["baseSnapshot"] = options.baseSnapshot.map(JSON.string)
    if options.withSnapshots { arguments["withSnapshots"] = true }
    return arguments
  }

  /// Digest and progress of the request, the smallest bandwidth limit of it and the storages involved.
  func streamOptions(_ options: TransferOptions, _ storages: [Storage], use: String = "migration") -> StreamOptions {
    var stream = StreamOptions(digest: options.digest)
    stream.progress = options.progress
    let limits = storages.compactMap { $0.bandwidthLimit(use) } + [options.bytesPerSecond].compactMap { $0 }
    stream.bytesPerSecond = limits.filter { $0 > 0 }.min()
    return stream
  }
}
