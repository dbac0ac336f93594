// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import StorageProtocol

extension StorageHost {
  /// A volume's snapshots, oldest first where the plugin says.
  public func snapshots(
    _ storeid: String, _ volname: String, _ caller: Caller
  ) async throws(StorageError) -> [SnapshotEntry] {
    let storage = try await checked(storeid, volname, nil)
    let answer = try await storage.call("volume_snapshot_info", ["volname": .string(volname)], CallRun(caller))
    return (answer["snapshots"]?.arrayValue ?? []).compactMap { entry in
      guard case .object(var object) = entry, let name = object["name"]?.stringValue else { return nil }
      object["name"] = nil
      return SnapshotEntry(name: name, details: object)
    }
  }

  /// Takes a snapshot.
  public func snapshot(
    _ storeid: String, _ volname: String, _ snapname: String, isRunning: Bool = false, _ caller: Caller
  ) async throws(StorageError) {
    var request: JSONObject = ["volname": .string(volname), "snapname": .string(snapname)]
    if isRunning { request["running"] = true }
    try await change("volume_snapshot", request, storeid, caller) { (storage, names) throws(StorageError) in
      guard names?.contains(snapname) != true else {
        throw .refused(
          .snapshotExists, "'\(storage.volid(volname))' has a snapshot '\(snapname)'", hint: "choose another name",
          field: "snapname")
      }
    }
  }

  /// Puts a volume back to a snapshot; refused with `data.blockers` when something newer stands in the way.
  public func rollback(
    _ storeid: String, _ volname: String, _ snapname: String, _ caller: Caller
  ) async throws(StorageError) {
    let request: JSONObject = ["volname": .string(volname), "snapname": .string(snapname)]
    try await change("volume_snapshot_rollback", request, storeid, caller, isAsked: true) {
      (storage, names) throws(StorageError) in
      try self.mustHave(snapname, names, volname, storage)
    }
  }

  /// Deletes a snapshot.
  /// - Parameter isRunning: whether a guest uses the volume now.
  public func deleteSnapshot(
    _ storeid: String, _ volname: String, _ snapname: String, isRunning: Bool = false, _ caller: Caller
  ) async throws(StorageError) {
    let request: JSONObject = [
      "volname": .string(volname), "snapname": .string(snapname), "running": .bool(isRunning),
    ]
    try await change("volume_snapshot_delete", request, storeid, caller) { (storage, names) throws(StorageError) in
      try self.mustHave(snapname, names, volname, storage)
    }
  }

  /// Gives a snapshot another name.
  public func renameSnapshot(
    _ storeid: String, _ volname: String, _ snapname: String, to target: String, _ caller: Caller
  ) async throws(StorageError) {
    try InputChecks.snapname(target)
    let request: JSONObject = [
      "volname": .string(volname), "snapname": .string(snapname), "targetSnapname": .string(target),
    ]
    try await change("rename_snapshot", request, storeid, caller) { (storage, names) throws(StorageError) in
      try self.mustHave(snapname, names, volname, storage)
      guard names?.contains(target) != true else {
        throw .refused(
          .snapshotExists, "'\(storage.volid(volname))' has a snapshot '\(target)'", hint: "choose another name",
          field: "targetSnapname")
      }
    }
  }

  private func mustHave(
    _ snapname: String, _ names: [String]?, _ volname: String, _ storage: Storage
  ) throws(StorageError) {
    guard let names, !names.contains(snapname) else { return }
    throw .refused(
      .snapshotNotFound, "'\(storage.volid(volname))' has no snapshot '\(snapname)'",
      hint: "it has: \(names.isEmpty ? "none" : names.joined(separator: ", "))", field: "snapname")
  }

  private func change(
    _ method: String, _ request: JSONObject, _ storeid: String, _ caller: Caller, isAsked: Bool = false,
    check: @escaping @Sendable (Storage, [String]?) throws(StorageError) -> Void
  ) async throws(StorageError) {
    let volname = try request.text("volname")
    let snapname = try request.text("snapname")
    _ = try await checked(storeid, volname, snapname)
    let mutation = Mutation(method: method, request: request, volumes: [volname], needsStorageLock: false)
    _ = try await mutate(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      guard storage.supports(method) else {
        throw .refused(.notSupported, "storage '\(storage.id)' does not support \(method)", hint: nil)
      }
      _ = try await self.existing(storage, volname, run)
      try check(storage, try await storage.snapshotNames(volname, run))
      if isAsked {
        let question: JSONObject = ["volname": .string(volname), "snapname": .string(snapname)]
        _ = try await storage.call("volume_rollback_is_possible", question, run.question)
      }
      return Plan(intent: request, result: .null)
    } perform: { (storage, _, run) async throws(StorageError) in
      _ = try await storage.call(method, request, run)
      return .null
    }
  }
}
