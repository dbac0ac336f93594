// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import StorageProtocol
internal import StorageRules

extension StorageHost {
  /// Makes a new volume; the host chooses its name under the storage's lock unless one is given.
  /// - Parameters:
  ///   - vmid: the guest that owns it.
  ///   - name: the name without owner, such as `vm-100-disk-0.qcow2`, or a whole volume name; nil for the next free.
  ///   - format: the storage's default when nil.
  ///   - size: bytes; 0 only for `subvol`.
  /// - Returns: the volume's id.
  public func alloc(
    _ storeid: String, vmid: Int, name: String? = nil, format: String? = nil, size: Int64, _ caller: Caller
  ) async throws(StorageError) -> String {
    try InputChecks.storeid(storeid)
    try InputChecks.vmid(vmid)
    if let name { try InputChecks.volname(name) }
    let facts = try await registry.facts(storeid)
    let configured = try await registry.storage(storeid).property("format")
    let format = format ?? configured.flatMap { facts.formats.contains($0) ? $0 : nil } ?? facts.defaultFormat
    try InputChecks.format(format, among: facts.formats, storeid: storeid)
    try InputChecks.size(size, mayBeZero: format == "subvol")
    var request: JSONObject = ["vmid": .int(Int64(vmid)), "format": .string(format), "size": .int(size)]
    request.setOptional("name", name)
    let mutation = Mutation(method: "alloc_image", request: request, needsStorageLock: true)
    let result = try await mutate(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      let volname = try await self.chooseName(storage, vmid: vmid, name: name, format: format, run)
      let intent: JSONObject = ["volname": .string(volname), "size": .int(size), "format": .string(format)]
      return Plan(intent: intent, result: .string(storage.volid(volname)), reserved: [volname])
    } perform: { (storage, plan, run) async throws(StorageError) in
      let volname = try plan.intent.text("volname")
      _ = try await storage.call(
        "alloc_image",
        [
          "vmid": .int(Int64(vmid)), "format": .string(format), "volname": .string(volname), "size": .int(size),
        ], run)
      try await self.mustExist(storage, volname, atLeast: size, "alloc_image", run)
      return plan.result
    }
    return result.stringValue ?? ""
  }

  /// Believes a plugin that it made a volume only when it finds it again, large enough.
  func mustExist(
    _ storage: Storage, _ volname: String, atLeast size: Int64 = 0, _ method: String, _ run: CallRun
  ) async throws(StorageError) {
    let found = try await StorageError.afterWork { () async throws(StorageError) in
      try await storage.sizeInfo(volname, run)
    }
    guard let info = found else {
      throw .lie(method, storage, "'\(storage.volid(volname))' is not there", outcome: .unknown)
    }
    guard info.size >= size else {
      throw .lie(
        method, storage, "'\(storage.volid(volname))' has \(info.size) bytes, less than the \(size) asked for",
        outcome: .unknown)
    }
  }

  /// A name nobody has and nobody is about to get. Must run under the storage's lock.
  func chooseName(
    _ storage: Storage, vmid: Int, name: String?, format: String, _ run: CallRun
  ) async throws(StorageError) -> String {
    let reserved = reservations.of(storage.id)
    guard let name else {
      let answer = try await storage.call(
        "find_free_diskname",
        [
          "vmid": .int(Int64(vmid)), "format": .string(format), "addFormatSuffix": true, "exclude": reserved.json(),
        ], run.question)
      let volname = try answer.text("volname")
      try InputChecks.volname(volname)
      return volname
    }
    let volname = try await wholeName(storage, vmid: vmid, name: name, format: format, run)
    guard !reserved.contains(volname) else {
      throw .refused(
        .volumeExists, "'\(storage.volid(volname))' is being made by another operation",
        hint: "choose another name, or none", field: "name")
    }
    guard try await !storage.exists(volname, run) else {
      throw .refused(
        .volumeExists, "'\(storage.volid(volname))' exists", hint: "choose another name, or none", field: "name")
    }
    return volname
  }

  /// The volume name for a given disk name, checked to belong to the guest and to have the format.
  private func wholeName(
    _ storage: Storage, vmid: Int, name: String, format: String, _ run: CallRun
  ) async throws(StorageError) -> String {
    if let grammar = storage.facts.grammar, !name.contains("/") {
      do throws(RulesError) {
        return try DiskNames(grammar).image(vmid: vmid, name: name, format: VolumeFormat(format)).text
      } catch { throw StorageError(error, context: "storage '\(storage.id)'") }
    }
    let parsed = try await storage.parse(name, run)
    guard parsed.vtype == "images", parsed.vmid == vmid, parsed.format == nil || parsed.format == format,
      parsed.basename == nil
    else {
      throw .refused(
        .nameInvalid, "\(Quoted(name)) does not name a \(format) disk of guest \(vmid)",
        hint: "leave the name away to get the next free one", field: "name")
    }
    return name
  }
}
