// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

/// Names the host chooses for clones, bases and renamed volumes. All of it runs under the storage's lock.
extension StorageHost {
  /// The volume's name taken apart; it must exist.
  func existing(_ storage: Storage, _ volname: String, _ run: CallRun) async throws(StorageError) -> ParsedName {
    let parsed = try await storage.parse(volname, run)
    guard try await storage.sizeInfo(volname, run) != nil else { throw .noVolume(volname, storage) }
    try await mustBeItsName(storage, parsed, run)
    return parsed
  }

  /// A free name for a clone; in grammars where a clone names its base, with the base in front.
  func cloneName(
    _ storage: Storage, _ source: ParsedName, vmid: Int, _ run: CallRun
  ) async throws(StorageError) -> String {
    let format = source.format ?? storage.facts.defaultFormat
    // File storages make linked clones as qcow2 overlays, whatever the base is.
    let isOverlay =
      storage.facts.grammar == .directory && format != "subvol" && storage.facts.formats.contains("qcow2")
    let cloned = isOverlay ? "qcow2" : format
    let plain = try await chooseName(storage, vmid: vmid, name: nil, format: cloned, run)
    guard storage.facts.grammar != nil, source.isBase else { return plain }
    let base = try HostDefaults.name(source.volname, storage)
    let free = try HostDefaults.name(plain, storage)
    do throws(RulesError) {
      return try DiskNames(base.grammar, patterns: storage.facts.namePatterns).clone(
        of: base, vmid: vmid, name: free.name
      ).text
    } catch { throw StorageError(error, code: .notSupported, context: "storage '\(storage.id)'") }
  }

  /// Refuses what the storage says it cannot do with this volume.
  func mustSupport(
    _ feature: String, _ storage: Storage, _ volname: String, _ snapname: String?, _ run: CallRun
  ) async throws(StorageError) {
    var question: JSONObject = ["volname": .string(volname), "feature": .string(feature)]
    question["snapname"] = snapname.map(JSON.string)
    guard try await storage.call("volume_has_feature", question, run.question)["supported"] != .bool(true) else {
      return
    }
    throw .refused(
      .notSupported, "storage '\(storage.id)' cannot \(feature) '\(storage.volid(volname))'",
      hint: feature == "clone" ? "make it a base first, or copy it in full" : nil)
  }

  func baseName(_ volname: String, _ storage: Storage) throws(StorageError) -> String {
    let name = try HostDefaults.name(volname, storage)
    do throws(RulesError) {
      return try DiskNames(name.grammar, patterns: storage.facts.namePatterns).base(of: name).text
    } catch {
      throw StorageError(error, code: .notSupported, context: "storage '\(storage.id)'")
    }
  }

  func newName(
    _ old: VolumeName, vmid: Int?, name: String?, names: [String], _ storage: Storage
  ) throws(StorageError) -> String {
    do throws(RulesError) {
      return try DiskNames(old.grammar).renamed(old, vmid: vmid, name: name, existing: names).text
    } catch { throw StorageError(error, context: "storage '\(storage.id)'") }
  }

  /// The plan of a volume that changes its name; the new one must be free.
  func move(
    _ storage: Storage, from old: String, to new: String, _ run: CallRun
  ) async throws(StorageError) -> Plan {
    guard old != new else {
      throw .refused(
        .volumeExists, "'\(storage.volid(old))' has that name already", hint: "choose another name", field: "name")
    }
    let isTaken = try await storage.exists(new, run)
    guard !isTaken, !reservations.contains(storage.id, try await key(new, on: storage.id)) else {
      throw .refused(.volumeExists, "'\(storage.volid(new))' exists", hint: "choose another name", field: "name")
    }
    let intent: JSONObject = ["volname": .string(old), "targetVolname": .string(new)]
    return Plan(intent: intent, result: .string(storage.volid(new)), reserved: [new])
  }
}
