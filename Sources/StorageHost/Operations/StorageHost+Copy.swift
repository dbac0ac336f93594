// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import PluginSupervisor
public import StorageProtocol
internal import StorageRules

extension StorageHost {
  /// Copies a volume to any storage of any plugin: the source's export runs straight into the target's import, without
  /// a temporary file, compared by count and digest on both sides.
  /// - Parameter target: which volume to make there; nil for the next free disk of the same guest.
  public func copy(
    _ storeid: String, _ volname: String, to targetStoreid: String, _ target: ImportTarget? = nil,
    _ options: TransferOptions = TransferOptions(), _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    let source = try await checked(storeid, volname, options.snapname)
    try InputChecks.storeid(targetStoreid)
    let receiver = try await registry.storage(targetStoreid)
    guard !SerialStreams.wait(source, receiver) else {
      throw .refused(
        .notSupported,
        "'\(source.volid(volname))' cannot be copied to '\(targetStoreid)': \(source.facts.plugin) serves one call at a "
          + "time, and cannot send and receive at once",
        hint: "go through a file, and import that: berth export \(source.volid(volname)) FORMAT FILE", field: "storeid")
    }
    let run = CallRun(caller)
    let parsed = try await existing(source, volname, run)
    guard let vmid = parsed.vmid ?? target?.owner else {
      throw .refused(
        .invalidParams, "'\(source.volid(volname))' has no owner", hint: "name the target volume", field: "target")
    }
    if let base = options.baseSnapshot {
      guard case .volume = target else {
        throw .refused(
          .invalidParams, "a copy of what came after a snapshot goes to a volume that is there",
          hint: "name the target volume that has the snapshot '\(base)'", field: "target")
      }
    }
    let kept = parsed.format.flatMap { receiver.facts.formats.contains($0) ? $0 : nil }
    let target: ImportTarget =
      switch target {
      case .newDisk(let owner, nil): .newDisk(vmid: owner, format: kept)
      case let named?: named
      case nil: .newDisk(vmid: vmid, format: kept)
      }
    let probe = try target.probe(receiver, vmid: vmid)
    let exports = try await formats("volume_export_formats", source, volname, options, run)
    let imports = try await formats("volume_import_formats", receiver, probe, options, run)
    let format = try Self.common(exports, imports, options.format, "'\(source.volid(volname))' to '\(targetStoreid)'")
    var options = options
    options.digest = options.digest ?? .crc32
    options.bytesPerSecond = streamOptions(options, [source, receiver], use: "move").bytesPerSecond
    return try await pump(source.id, volname, targetStoreid, target, format, options, caller)
  }

  /// Copies, then removes the source once the target is durable and acknowledged.
  public func move(
    _ storeid: String, _ volname: String, to targetStoreid: String, _ target: ImportTarget? = nil,
    _ options: TransferOptions = TransferOptions(), _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    let report = try await copy(storeid, volname, to: targetStoreid, target, options, caller)
    var remover = caller
    remover.idempotencyKey = caller.idempotencyKey.map { "\($0)/remove-source" }
    do throws(StorageError) { try await free(storeid, volname, remover) } catch {
      throw error.with(
        outcome: .partial,
        hint: "'\(report.volid)' is complete; the source is still there: berth volume free \(storeid):\(volname)")
    }
    return report
  }

  /// The stream format of a copy: the one asked for, if both sides know it, else the best both know.
  private static func common(
    _ exports: [String], _ imports: [String], _ wanted: String?, _ context: String
  ) throws(StorageError) -> String {
    do throws(RulesError) {
      return try TransferNegotiation.common(
        exports: exports.map(TransferFormat.init(rawValue:)), imports: imports.map(TransferFormat.init(rawValue:)),
        wanted: wanted.map(TransferFormat.init(rawValue:))
      ).rawValue
    } catch { throw StorageError(error, code: .formatUnsupported, context: context) }
  }

  private func pump(
    _ storeid: String, _ volname: String, _ targetStoreid: String, _ target: ImportTarget, _ format: String,
    _ options: TransferOptions, _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    let channel = CopyChannel()
    var sender = caller
    sender.idempotencyKey = nil
    let exporting = sender
    let sending = Task { () async -> Result<TransferReport, StorageError> in
      do throws(StorageError) {
        let report = try await self.export(
          storeid, volname, format: format, to: .bytes { chunk in try await channel.send(chunk) }, options, exporting)
        await channel.finish()
        return .success(report)
      } catch {
        await channel.finish(failing: error)
        return .failure(error)
      }
    }
    let received: Result<TransferReport, StorageError> = await withTaskCancellationHandler {
      do throws(StorageError) {
        return .success(
          try await self.import(
            targetStoreid, target, format: format, from: .bytes { try await channel.next() }, options, caller))
      } catch { return .failure(error) }
    } onCancel: {
      sending.cancel()
    }
    // A repeated request gets its first result without any data: then the sender is still at its first chunk.
    let receiverWasFirst = await channel.abandon()
    if case .failure = received { sending.cancel() }
    switch (await sending.value, received) {
    case (_, .failure(let error)) where Task.isCancelled && error.code != .cancelled:
      // Whichever side broke first, it was because of this.
      throw .make(.cancelled, "the copy was cancelled", outcome: error.outcome, hint: error.hint)
    case (.failure(let cause), .failure(let effect)) where cause.code != .cancelled && !receiverWasFirst:
      throw cause.with(outcome: effect.outcome, hint: effect.hint)
    case (_, .failure(let error)): throw error
    case (_, .success(let report)): return report
    }
  }
}
