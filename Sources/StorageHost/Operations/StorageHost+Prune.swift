// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import JSON
internal import Jobs
public import StorageProtocol
internal import StorageRules

extension StorageHost {
  /// Decides which backups a retention rule keeps and, unless it is a dry run, removes the others one by one.
  /// - Parameters:
  ///   - keep: the rule, as in `prune-backups`: `keep-last=3,keep-daily=7`; nil for the storage's own.
  ///   - type: only `qemu` or `lxc` backups.
  /// - Returns: every backup looked at, with its mark.
  public func prune(
    _ storeid: String, keep: String? = nil, vmid: Int? = nil, type: String? = nil, isDryRun: Bool, _ caller: Caller
  ) async throws(StorageError) -> [PrunedBackup] {
    try InputChecks.storeid(storeid)
    if let vmid { try InputChecks.vmid(vmid) }
    let storage = try await registry.storage(storeid)
    guard let rule = keep ?? storage.retentionText else {
      throw .refused(
        .invalidParams, "storage '\(storeid)' has no prune-backups rule", hint: "say what to keep", field: "keep")
    }
    let retention: Retention
    do throws(RulesError) { retention = try Retention(parsing: rule) } catch {
      throw StorageError(error, code: .invalidParams, context: "retention \(Quoted(rule))")
    }
    if storage.facts.methods.contains("prune_backups") {
      return try await pruneByPlugin(storage, retention, vmid: vmid, type: type, isDryRun: isDryRun, caller)
    }
    let backups = try await backups(storage, vmid: vmid, type: type, CallRun(caller))
    let marks = retention.marks(for: backups.map(\.entry), zone: Self.localZone)
    var result: [PrunedBackup] = []
    for (backup, mark) in zip(backups, marks) {
      if mark == .remove, !isDryRun {
        var remover = caller
        remover.idempotencyKey = nil
        try await free(storeid, backup.volname, remover)
        caller.job?.log(.info, "removed \(storage.volid(backup.volname))")
      }
      result.append(
        PrunedBackup(
          volname: backup.volname, ctime: backup.entry.ctime, type: backup.entry.type, vmid: backup.entry.vmid,
          mark: mark.rawValue))
    }
    return result
  }

  func backups(
    _ storage: Storage, vmid: Int?, type: String?, _ run: CallRun
  ) async throws(StorageError) -> [(volname: String, entry: BackupEntry)] {
    var found: [(volname: String, entry: BackupEntry)] = []
    var cursor: String?
    repeat {
      var arguments: JSONObject = ["content": ["backup"]]
      arguments["vmid"] = vmid.map { .int(Int64($0)) }
      arguments["cursor"] = cursor.map(JSON.string)
      let page = try await storage.call("list_volumes", arguments, run.question)
      for value in page["volumes"]?.arrayValue ?? [] {
        guard let volume = VolumeEntry(value, storage: storage), volume.content == "backup" else { continue }
        let entry = BackupEntry(
          volid: volume.volid, listedTime: volume.ctime ?? 0, listedOwner: volume.vmid,
          isProtected: volume.isProtected ?? false, zone: Self.localZone)
        guard type == nil || entry.type == type, vmid == nil || entry.vmid == vmid else { continue }
        found.append((volume.volname, entry))
      }
      cursor = page["nextCursor"]?.stringValue
    } while cursor != nil
    return found
  }

  private func pruneByPlugin(
    _ storage: Storage, _ retention: Retention, vmid: Int?, type: String?, isDryRun: Bool, _ caller: Caller
  ) async throws(StorageError) -> [PrunedBackup] {
    var keep: JSONObject = [:]
    if retention.isKeepAll { keep["all"] = true }
    for span in Retention.Span.allCases where retention[span] > 0 {
      keep[String(span.rawValue.dropFirst("keep-".count))] = .int(Int64(retention[span]))
    }
    var request: JSONObject = ["keep": .object(keep), "dryRun": .bool(isDryRun)]
    request["vmid"] = vmid.map { .int(Int64($0)) }
    request["type"] = type.map(JSON.string)
    let answer: JSON
    if isDryRun {
      answer = .object(try await storage.call("prune_backups", request, CallRun(caller)))
    } else {
      let mutation = Mutation(method: "prune_backups", request: request, needsStorageLock: true)
      let arguments = request
      answer = try await mutate(mutation, on: storage.id, caller) { (_, _) async throws(StorageError) in
        Plan(intent: arguments, result: .null)
      } perform: { (storage, _, run) async throws(StorageError) in
        .object(try await storage.call("prune_backups", arguments, run))
      }
    }
    return (answer["backups"]?.arrayValue ?? []).compactMap { PrunedBackup($0) }
  }

  /// The wall clock of this machine.
  static let localZone = TimeZoneOffset { seconds in
    Int64(TimeZone.current.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
  }
}

extension Storage {
  /// `prune-backups` as text, whether the configuration holds it as text or decoded.
  var retentionText: String? {
    switch scfg["prune-backups"] {
    case .string(let text): text
    case .object(let object):
      object.map { member in
        let name = member.key.hasPrefix("keep-") ? member.key : "keep-" + member.key
        return "\(name)=\(member.value.intValue ?? (member.value.boolValue == true ? 1 : 0))"
      }.joined(separator: ",")
    default: nil
    }
  }
}
