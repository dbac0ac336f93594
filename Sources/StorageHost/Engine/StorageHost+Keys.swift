// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import StorageProtocol
internal import StorageRules

extension StorageHost {
  /// What a volume is locked, read and reserved as: the same for all ways to write its name.
  /// - Throws: NAME_INVALID for what the storage's grammar does not read.
  func key(_ volname: String, on storeid: String) async throws(StorageError) -> String {
    let facts = try await registry.facts(storeid)
    guard facts.grammar == nil else { return try ParsedName(HostDefaults.name(volname, facts, storeid)).key }
    return try await registry.storage(storeid).parse(volname, .host).key
  }

  func keys(_ volnames: [String], on storeid: String) async throws(StorageError) -> [String] {
    var keys: Set<String> = []
    for volname in volnames { keys.insert(try await key(volname, on: storeid)) }
    return keys.sorted()
  }

  /// The keys of the volumes a journaled operation made or changed; names that cannot be read stand for themselves.
  func keys(of intent: JSONObject, on storeid: String) async -> [String] {
    var keys: Set<String> = []
    for volname in [intent["volname"], intent["targetVolname"]].compactMap({ $0?.stringValue }) {
      keys.insert((try? await key(volname, on: storeid)) ?? volname)
    }
    return keys.sorted()
  }

  /// Keeps the volumes of an operation without an end from everybody until it has one: resolving it could take what
  /// others made or changed meanwhile for its own.
  func keepOpen(_ record: JournalRecord) async {
    let volumes = await keys(of: record.intent.objectValue ?? [:], on: record.storeid)
    reservations.add(record.storeid, volumes, by: record.id.rawValue)
    openOperations.add(
      OpenOperations.Entry(id: record.id, method: record.method, storeid: record.storeid, volumes: Set(volumes)))
  }

  /// Takes back ``keepOpen(_:)``.
  func settleOpen(_ id: OperationID, on storeid: String) {
    reservations.remove(storeid, by: id.rawValue)
    openOperations.remove(id)
  }

  /// Refuses a name that names no volume as the storage itself calls it: a linked clone with another base in front.
  ///
  /// Everything that is asked under such a name would be answered for the clone.
  func mustBeItsName(_ storage: Storage, _ parsed: ParsedName, _ run: CallRun) async throws(StorageError) {
    guard parsed.basename != nil else { return }
    for name in try await storage.imageNames(vmid: parsed.vmid, run) where name != parsed.volname {
      guard name.hasSuffix(parsed.name), try await storage.parse(name, run).key == parsed.key else { continue }
      throw .refused(
        .volumeNotFound, "storage '\(storage.id)' has no volume \(Quoted(parsed.volname))",
        hint: "it has '\(storage.volid(name))'", field: "volname")
    }
  }
}

extension ParsedName {
  /// The name without the base in front of a linked clone: two names of one volume have the same.
  var key: String {
    guard basename != nil else { return volname }
    let owned = vmid.map { "\($0)/\(name)" } ?? name
    return volname.hasSuffix("/" + owned) ? owned : name
  }
}
