// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import PluginSupervisor
public import StorageProtocol

extension StorageHost {
  /// The stream formats a storage can receive into a volume of this name, the best first.
  public func importFormats(
    _ storeid: String, _ volname: String, _ options: TransferOptions = TransferOptions(), _ caller: Caller
  ) async throws(StorageError) -> [String] {
    let storage = try await checked(storeid, volname, nil)
    return try await formats("volume_import_formats", storage, volname, options, CallRun(caller))
  }

  /// Receives a new volume.
  ///
  /// Its name is reserved under the storage's lock (short); the data moves under the new volume's lock only (long).
  /// A volume that does not arrive whole is removed again.
  ///
  /// With a base snapshot it is no new volume: an existing one that has that snapshot is brought to the sender's state,
  /// and stays as it was when the stream does not arrive whole.
  /// - Parameters:
  ///   - target: which volume to make; a name when there is a base snapshot.
  ///   - format: one of `importFormats`.
  ///   - source: where the data comes from; read to its end.
  /// - Returns: the new volume's id and what was received; always with a digest.
  public func `import`(
    _ storeid: String, _ target: ImportTarget, format: String, from source: StreamSource,
    _ options: TransferOptions = TransferOptions(), _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    try InputChecks.storeid(storeid)
    try target.check()
    try InputChecks.text(format, field: "format", maximum: 32)
    let facts = try await registry.facts(storeid)
    return try await turns.run(.receiving, "\(storeid):\(target.label)", facts, on: storeid) {
      () async throws(StorageError) in
      try await receive(storeid, target, format, source, options, caller)
    }
  }

  private func receive(
    _ storeid: String, _ target: ImportTarget, _ format: String, _ source: StreamSource, _ options: TransferOptions,
    _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    var options = options
    options.digest = options.digest ?? .crc32
    let sent = options
    let facts = try await registry.facts(storeid)
    let image = try target.imageFormat(facts, stream: format, storeid: storeid)
    var request = transferArguments(target.label, format, options)
    request["allowRename"] = .bool(target.mayRename)
    if let base = options.baseSnapshot {
      return try await increment(storeid, target, base, format, source, options, request, caller)
    }
    let mutation = Mutation(method: "volume_import", request: request, needsStorageLock: false)
    let result = try await make(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      try await self.importName(storage, target, image, run)
    } choose: { (storage, volname, run) async throws(StorageError) in
      try await self.mustBeFree(storage, volname, run)
      try await self.mustOffer(format, "volume_import_formats", storage, volname, sent, run)
      return Plan(intent: ["volname": .string(volname), "format": .string(format)], result: .null)
    } perform: { (storage, plan, run) async throws(StorageError) in
      try await self.take(storage, plan, format, source, sent, run)
    }
    return TransferReport(result)
  }

  /// Brings a volume from its base snapshot to the sender's state.
  private func increment(
    _ storeid: String, _ target: ImportTarget, _ base: String, _ format: String, _ source: StreamSource,
    _ options: TransferOptions, _ request: JSONObject, _ caller: Caller
  ) async throws(StorageError) -> TransferReport {
    guard case .volume(let volname, _) = target else {
      throw .refused(
        .invalidParams, "an incremental stream changes a volume that is there",
        hint: "name the volume that has the snapshot '\(base)'", field: "target")
    }
    let mutation = Mutation(
      method: "volume_import", request: request, volumes: [volname], needsStorageLock: false)
    let result = try await mutate(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      let parsed = try await self.existing(storage, volname, run)
      let volid = storage.volid(volname)
      guard !parsed.isBase else {
        throw .refused(.readOnly, "'\(volid)' is a base", hint: "bases are never changed")
      }
      if let names = try await storage.snapshotNames(volname, run) {
        guard names.contains(base) else {
          throw .refused(
            .snapshotNotFound, "'\(volid)' has no snapshot '\(base)'",
            hint: "send the whole volume in place of changes", field: "baseSnapshot")
        }
        if let new = options.snapname, names.contains(new) {
          throw .refused(
            .snapshotExists, "'\(volid)' has a snapshot '\(new)' already", hint: "send what came after it",
            field: "snapname")
        }
      }
      try await self.mustOffer(format, "volume_import_formats", storage, volname, options, run)
      return Plan(
        intent: ["volname": .string(volname), "format": .string(format), "baseSnapshot": .string(base)], result: .null)
    } perform: { (storage, plan, run) async throws(StorageError) in
      try await self.take(storage, plan, format, source, options, run)
    }
    return TransferReport(result)
  }

  /// Has the plugin read the stream, and compares.
  private func take(
    _ storage: Storage, _ plan: Plan, _ format: String, _ source: StreamSource, _ options: TransferOptions,
    _ run: CallRun
  ) async throws(StorageError) -> JSON {
    let volname = try plan.intent.text("volname")
    var arguments = transferArguments(volname, format, options)
    arguments["digest"] = options.digest.map { .string($0.rawValue) }
    let (answer, report) = try await storage.plugin.import(
      "volume_import", storage.parameters(arguments), run, from: source,
      options: streamOptions(options, [storage], use: "restore"))
    _ = try ResultChecks.check("volume_import", arguments, answer, on: storage)
    // Commit: acknowledged only when the storage itself names the volume.
    let isThere = try await StorageError.afterWork { () async throws(StorageError) in
      try await storage.exists(volname, run)
    }
    guard isThere else {
      throw .lie("volume_import", storage, "'\(storage.volid(volname))' is not there", outcome: .unknown)
    }
    return TransferReport(
      volid: storage.volid(volname), format: format, bytes: report.bytes,
      digest: report.digest.map { "\($0.algorithm.rawValue):\($0.value)" }
    ).json()
  }

  private func importName(
    _ storage: Storage, _ target: ImportTarget, _ image: String, _ run: CallRun
  ) async throws(StorageError) -> String {
    switch target {
    case .newDisk(let vmid, _):
      return try await chooseName(storage, vmid: vmid, name: nil, format: image, run)
    case .volume(let volname, let mayRename):
      let parsed = try await storage.parse(volname, run)
      let isTaken = try await storage.exists(volname, run) || reservations.contains(storage.id, parsed.key)
      guard isTaken else { return volname }
      guard mayRename, parsed.vtype == "images", let vmid = parsed.vmid else {
        throw .refused(
          .volumeExists, "'\(storage.volid(volname))' exists",
          hint: "name another volume, or allow the host to choose a name")
      }
      return try await chooseName(storage, vmid: vmid, name: nil, format: image, run)
    }
  }
}

extension TransferReport {
  init(_ json: JSON) {
    self.init(
      volid: json["volid"]?.stringValue ?? "", format: json["format"]?.stringValue ?? "",
      bytes: json["bytes"]?.intValue ?? 0, digest: json["digest"]?.stringValue)
  }
}
