// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox
internal import StorageProtocol

/// Logical volumes. The limit `vg` of the grant names the volume groups, `lv` the volumes (both must be there) and
/// `thinpool` the pools that volumes are made in; each may have `*` and alternatives.
extension Broker {
  func lvmReport(
    _ params: HostLvmReport.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmReport.Result {
    try admit(service, params.vg, nil)
    let group = try await run(.group, service, params.vg) { _ in }
    let row = LvmReport.rows(group.output, "vg")?.first
    guard let found = row.flatMap(LvmReport.group) else { throw unreadable(service.method) }
    return HostLvmReport.Result(group: found, volumes: try await volumes(service, params.vg))
  }

  func lvmCreate(
    _ params: HostLvmCreate.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmCreate.Result {
    try admit(service, params.vg, params.lv, pool: .some(params.thinPool))
    guard params.size > 0 else { throw .invalid("size must be more than 0") }
    let tags = try checked(params.tags ?? [])
    _ = try await run(.create, service, params.vg) { operation in
      operation.lv = params.lv
      operation.size = params.size
      operation.pool = params.thinPool ?? ""
      operation.arguments = tags
      if params.wipe ?? true { operation.flags.insert(.wipe) }
    }
    return HostLvmCreate.Result(volume: try await volume(params.lv, service, params.vg))
  }

  func lvmRemove(
    _ params: HostLvmRemove.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmRemove.Result {
    try admit(service, params.vg, params.lv)
    guard try await find(params.lv, service, params.vg) != nil else { return HostLvmRemove.Result() }
    _ = try await run(.remove, service, params.vg) { $0.lv = params.lv }
    try await closeNodes("/dev/\(params.vg)/\(params.lv)")
    return HostLvmRemove.Result()
  }

  func lvmRename(
    _ params: HostLvmRename.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmRename.Result {
    try admit(service, params.vg, params.lv)
    try admit(service, params.vg, params.target)
    _ = try await volume(params.lv, service, params.vg)
    _ = try await run(.rename, service, params.vg) { operation in
      operation.lv = params.lv
      operation.other = params.target
    }
    try await closeNodes("/dev/\(params.vg)/\(params.lv)")
    return HostLvmRename.Result()
  }

  /// Grows only: what a smaller size would cut off is data.
  func lvmResize(
    _ params: HostLvmResize.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmResize.Result {
    try admit(service, params.vg, params.lv)
    guard params.size > 0 else { throw .invalid("size must be more than 0") }
    let now = try await volume(params.lv, service, params.vg)
    if now.size >= params.size {
      // Sizes are whole extents, at most 16 MiB here: a repeated request finds the rounded size.
      guard now.size - params.size < 16 << 20 else {
        throw .denied("\(params.vg)/\(params.lv) has \(now.size) bytes; the broker makes no volume smaller")
      }
      return HostLvmResize.Result(volume: now)
    }
    _ = try await run(.extend, service, params.vg) { operation in
      operation.lv = params.lv
      operation.size = params.size
    }
    return HostLvmResize.Result(volume: try await volume(params.lv, service, params.vg))
  }

  func lvmSnapshot(
    _ params: HostLvmSnapshot.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmSnapshot.Result {
    try admit(service, params.vg, params.lv)
    try admit(service, params.vg, params.target)
    let origin = try await volume(params.lv, service, params.vg)
    guard origin.pool != nil else {
      throw StorageError(
        .backendError, "\(params.vg)/\(params.lv) is no thin volume: only those have snapshots", outcome: .notStarted)
    }
    try admit(service, params.vg, params.target, pool: .some(origin.pool))
    _ = try await run(.snapshot, service, params.vg) { operation in
      operation.lv = params.lv
      operation.other = params.target
      if params.readOnly == true { operation.flags.insert(.readOnly) }
    }
    return HostLvmSnapshot.Result(volume: try await volume(params.target, service, params.vg))
  }

  func lvmMerge(
    _ params: HostLvmMerge.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmMerge.Result {
    try admit(service, params.vg, params.lv)
    try admit(service, params.vg, params.snapshot)
    let snapshot = try await volume(params.snapshot, service, params.vg)
    guard snapshot.origin == params.lv else {
      throw .denied("\(params.vg)/\(params.snapshot) is no snapshot of \(params.lv)")
    }
    _ = try await run(.merge, service, params.vg) { $0.other = params.snapshot }
    return HostLvmMerge.Result()
  }

  func lvmActivate(
    _ params: HostLvmActivate.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmActivate.Result {
    try admit(service, params.vg, params.lv)
    _ = try await volume(params.lv, service, params.vg)
    _ = try await run(.activate, service, params.vg) { $0.lv = params.lv }
    return HostLvmActivate.Result(device: "/dev/\(params.vg)/\(params.lv)")
  }

  func lvmDeactivate(
    _ params: HostLvmDeactivate.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLvmDeactivate.Result {
    try admit(service, params.vg, params.lv)
    _ = try await volume(params.lv, service, params.vg)
    _ = try await run(.deactivate, service, params.vg) { $0.lv = params.lv }
    try await closeNodes("/dev/\(params.vg)/\(params.lv)")
    return HostLvmDeactivate.Result()
  }

  func lvmTag(_ params: HostLvmTag.Params, _ service: GrantedService) async throws(StorageError) -> HostLvmTag.Result {
    try admit(service, params.vg, params.lv)
    let changes = try checked(params.add ?? []).map { "+" + $0 } + checked(params.remove ?? []).map { "-" + $0 }
    if changes.isEmpty { return HostLvmTag.Result() }
    _ = try await volume(params.lv, service, params.vg)
    _ = try await run(.tag, service, params.vg) { operation in
      operation.lv = params.lv
      operation.arguments = changes
    }
    return HostLvmTag.Result()
  }

  // MARK: - Parts

  /// - Parameters:
  ///   - lv: nil for what names no volume.
  ///   - pool: nil for what makes no volume; within that nil for one outside every pool.
  private func admit(
    _ service: GrantedService, _ vg: String, _ lv: String?, pool: String?? = nil
  ) throws(StorageError) {
    var values: [String: String?] = ["vg": vg]
    if let lv { values["lv"] = lv }
    if let pool { values["thinpool"] = .some(pool) }
    for (what, name) in values {
      guard let name, !Self.isLvmName(name) else { continue }
      throw .invalid("\(what) \(ForeignText.quoted(name)) is no name of LVM's")
    }
    try service.admit(values, required: lv == nil ? ["vg"] : ["vg", "lv"])
  }

  private func checked(_ tags: [String]) throws(StorageError) -> [String] {
    for tag in tags {
      let good = tag.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "_+.-/=!:&#".utf8.contains(byte)
      }
      guard good, !tag.isEmpty, !tag.hasPrefix("-") else { throw .invalid("\(ForeignText.quoted(tag)) is no tag") }
    }
    return tags
  }

  private func volumes(_ service: GrantedService, _ vg: String) async throws(StorageError) -> [LogicalVolume] {
    let outcome = try await run(.volumes, service, vg) { _ in }
    guard let rows = LvmReport.rows(outcome.output, "lv") else { throw unreadable(service.method) }
    return rows.compactMap(LvmReport.volume)
  }

  /// The volume, nil when there is none of that name. Pools are the administrator's: they are not found.
  private func find(
    _ lv: String, _ service: GrantedService, _ vg: String
  ) async throws(StorageError) -> LogicalVolume? {
    let found = try await volumes(service, vg).first { $0.name == lv }
    if found?.isThinPool == true { throw .denied("\(vg)/\(lv) is a thin pool: the broker changes none") }
    return found
  }

  private func volume(
    _ lv: String, _ service: GrantedService, _ vg: String
  ) async throws(StorageError) -> LogicalVolume {
    guard let found = try await find(lv, service, vg) else {
      throw StorageError(.volumeNotFound, "volume group \(vg) has no volume \(lv)", outcome: .notStarted)
    }
    return found
  }

  private func run(
    _ verb: BrokerOperation.LVM, _ service: GrantedService, _ vg: String,
    _ fill: (inout BrokerOperation) -> Void
  ) async throws(StorageError) -> BrokerOutcome {
    var operation = BrokerOperation(.lvm, verb: verb.rawValue)
    operation.vg = vg
    fill(&operation)
    let outcome = try await perform(operation, service.method, storeid: service.client.storeid)
    if outcome.error != 0 {
      var error = failure(outcome, service.method)
      if outcome.error == 65 {  // ENOPKG
        error.code = .backendError
        error.hint = "install the package lvm2 on this host"
      }
      throw error
    }
    if outcome.status != 0 { throw lvmFailure(outcome, service.method) }
    return outcome
  }

  /// LVM has one exit code for every failure; its words tell which it was.
  private func lvmFailure(_ outcome: BrokerOutcome, _ method: String) -> StorageError {
    let said = String(decoding: outcome.errors, as: UTF8.self)
    let low = said.lowercased()
    let code: StorageError.Code
    if low.contains("already exists") {
      code = .volumeExists
    } else if low.contains("not found") || low.contains("failed to find") || low.contains("cannot process volume group")
    {
      code = .volumeNotFound
    } else if low.contains("insufficient free") || low.contains("free space") || low.contains("out of data space") {
      code = .noSpace
    } else if low.contains("in use") || low.contains("is used by") || low.contains("open") {
      code = .volumeBusy
    } else {
      code = .backendError
    }
    let lines = said.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.hasPrefix("WARNING") }
    let text = ForeignText.bounded(lines.joined(separator: "; "), limit: 400)
    return StorageError(code, "\(method): \(text) (status \(outcome.status))", outcome: .unknown)
  }

  private func unreadable(_ method: String) -> StorageError {
    StorageError(.backendError, "\(method): LVM's report cannot be read", outcome: .notStarted)
  }
}
