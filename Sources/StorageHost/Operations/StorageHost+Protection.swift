// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

extension StorageHost {
  /// Refuses to protect one backup more of a guest than `max-protected-backups` allows. Must run under the storage's
  /// lock, so that two at once cannot both be the last.
  ///
  /// As in Proxmox VE backups of the same kind (`qemu`, `lxc`) count, and one that is protected already may be
  /// protected again. Unset means any number: whoever reaches this host may change the configuration, which is what
  /// lifts the default of 5 there.
  func checkProtectionLimit(
    _ storage: Storage, _ parsed: ParsedName, _ run: CallRun
  ) async throws(StorageError) {
    guard let limit = storage.protectionLimit, parsed.vtype == "backup", let vmid = parsed.vmid else { return }
    let backups = try await backups(storage, vmid: vmid, type: nil, run)
    let type = backups.first { $0.volname == parsed.volname }?.entry.type
    if backups.contains(where: { $0.volname == parsed.volname && $0.entry.isProtected }) { return }
    let count = backups.count { $0.entry.isProtected && (type == nil || type == "unknown" || $0.entry.type == type) }
    guard count >= limit else { return }
    throw .refused(
      .quotaExceeded,
      "guest \(vmid) has \(count) protected backups on storage '\(storage.id)', which allows \(limit) of each guest",
      hint: "take the protection off another one, or: berth storage set \(storage.id) -o max-protected-backups=N",
      field: "protected")
  }
}

extension Storage {
  /// How many protected backups a guest may have; nil for any number.
  var protectionLimit: Int64? {
    guard let limit = scfg["max-protected-backups"]?.intValue, limit >= 0 else { return nil }
    return limit
  }
}
