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
  /// - Parameters:
  ///   - target: which volume to make.
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
    var options = options
    options.digest = options.digest ?? .crc32
    let sent = options
    let facts = try await registry.facts(storeid)
    let image = try target.imageFormat(facts, stream: format, storeid: storeid)
    var request = transferArguments(target.label, format, options)
    request["allowRename"] = .bool(target.mayRename)
    let mutation = Mutation(method: "volume_import", request: request, needsStorageLock: false)
    let result = try await make(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      try await self.importName(storage, target, image, run)
    } choose: { (storage, volname, run) async throws(StorageError) in
      try await self.mustBeFree(storage, volname, run)
      try await self.mustOffer(format, "volume_import_formats", storage, volname, sent, run)
      return Plan(intent: ["volname": .string(volname), "format": .string(format)], result: .null)
    } perform: { (storage, plan, run) async throws(StorageError) in
      let volname = try plan.intent.text("volname")
      var arguments = self.transferArguments(volname, format, sent)
      arguments["digest"] = sent.digest.map { .string($0.rawValue) }
      let (answer, report) = try await storage.plugin.import(
        "volume_import", storage.parameters(arguments), run, from: source,
        options: self.streamOptions(sent, [storage], use: "restore"))
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
    return TransferReport(result)
  }

  private func importName(
    _ storage: Storage, _ target: ImportTarget, _ image: String, _ run: CallRun
  ) async throws(StorageError) -> String {
    switch target {
    case .newDisk(let vmid, _):
      return try await chooseName(storage, vmid: vmid, name: nil, format: image, run)
    case .volume(let volname, let mayRename):
      let parsed = try await storage.parse(volname, run)
      let isTaken = try await storage.exists(volname, run) || reservations.contains(storage.id, volname)
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
