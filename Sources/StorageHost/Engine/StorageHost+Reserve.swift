// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import Jobs
internal import StorageProtocol

extension StorageHost {
  typealias ChooseName = @Sendable (Storage, CallRun) async throws(StorageError) -> String
  typealias ChooseFor = @Sendable (Storage, _ volname: String, CallRun) async throws(StorageError) -> Plan

  /// Runs one operation that gives a volume a new name by work that may take long: reserve → run → commit.
  ///
  /// The name is chosen and reserved under the storage's lock (short). The work runs under the locks of the volumes
  /// only: those it reads, so that they stay as they are, and the new one. It is acknowledged once the storage itself
  /// names the volume. A storage whose manifest asks for its own lock around every change gets it for all of this.
  /// - Parameters:
  ///   - mutation: with the volumes it changes or reads; says nothing of the storage's lock.
  ///   - name: chooses a free name; runs under the storage's lock, changes nothing.
  ///   - choose: as in ``mutate(_:on:_:choose:perform:)``; must find out that the reserved name is still free.
  func make(
    _ mutation: Mutation, on storeid: String, _ caller: Caller, name: ChooseName, choose: @escaping ChooseFor,
    perform: @escaping Perform
  ) async throws(StorageError) -> JSON {
    let digest = Fingerprint.of(mutation.method, storeid, mutation.request)
    if let key = caller.idempotencyKey, let known = try await admitted(key, digest) { return try replay(known) }
    try checkOpen(caller)
    let label = OperationID.make(at: settings.wallClock()).rawValue
    let volname = try await reserve(mutation, storeid, caller, label, name)
    defer { reservations.remove(storeid, by: label) }
    let reads = try await beginReading(mutation.reads, mutation.method, on: storeid, caller)
    defer { for read in reads { readers.end(storeid, read) } }
    var work = mutation
    work.volumes.append(volname)
    work.needsStorageLock = false
    return try await mutate(work, on: storeid, caller) { (storage, run) async throws(StorageError) in
      try await choose(storage, volname, run)
    } perform: { (storage, plan, run) async throws(StorageError) in
      try await perform(storage, plan, run)
    }
  }

  private func reserve(
    _ mutation: Mutation, _ storeid: String, _ caller: Caller, _ label: String, _ name: ChooseName
  ) async throws(StorageError) -> String {
    var whole = mutation
    whole.volumes = []
    whole.needsStorageLock = true
    let leases = try await lock(whole, on: storeid, caller)
    let chosen: Result<String, StorageError>
    do throws(StorageError) {
      let volname = try await name(try await registry.storage(storeid), CallRun(caller))
      reservations.add(storeid, [try await key(volname, on: storeid)], by: label)
      chosen = .success(volname)
    } catch { chosen = .failure(error) }
    await giveBack(leases, after: chosen.thrown)
    return try chosen.get()
  }

  /// Refuses to work on a reserved name that somebody outside took meanwhile.
  func mustBeFree(_ storage: Storage, _ volname: String, _ run: CallRun) async throws(StorageError) {
    guard try await storage.exists(volname, run) else { return }
    throw .refused(
      .volumeExists, "'\(storage.volid(volname))' was made by somebody else meanwhile", hint: "repeat the request")
  }
}
