// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
public import JSON
public import StorageProtocol

extension StorageHost {
  /// Makes a storage usable on this node. Operations do this by themselves; this tells whether it works.
  public func activate(_ storeid: String, _ caller: Caller) async throws(StorageError) {
    try InputChecks.storeid(storeid)
    let storage = try await registry.storage(storeid)
    let run = CallRun(caller)
    let connection = try await storage.call("check_connection", [:], run)
    guard connection["connected"] != .bool(false) else {
      throw .refused(
        .storageUnavailable, "storage '\(storeid)' cannot be reached", hint: "check its server and network, then repeat"
      )
    }
    _ = try await storage.call("activate_storage", [:], run)
  }

  /// Ends the use of a storage on this node; the next operation activates it again.
  public func deactivate(_ storeid: String, _ caller: Caller) async throws(StorageError) {
    try InputChecks.storeid(storeid)
    _ = try await registry.storage(storeid).call("deactivate_storage", [:], CallRun(caller))
  }

  /// Makes a volume (or one of its snapshots) usable on this node.
  public func activateVolume(
    _ storeid: String, _ volname: String, snapname: String? = nil, hints: JSONObject = [:], _ caller: Caller
  ) async throws(StorageError) {
    _ = try await nodeLocal("activate_volume", storeid, volname, snapname, hints, caller)
  }

  public func deactivateVolume(
    _ storeid: String, _ volname: String, snapname: String? = nil, _ caller: Caller
  ) async throws(StorageError) {
    _ = try await nodeLocal("deactivate_volume", storeid, volname, snapname, [:], caller)
  }

  /// Maps a volume to a local path or device and returns it.
  public func mapVolume(
    _ storeid: String, _ volname: String, snapname: String? = nil, hints: JSONObject = [:], _ caller: Caller
  ) async throws(StorageError) -> String {
    try await nodeLocal("map_volume", storeid, volname, snapname, hints, caller).text("path")
  }

  public func unmapVolume(
    _ storeid: String, _ volname: String, snapname: String? = nil, _ caller: Caller
  ) async throws(StorageError) {
    _ = try await nodeLocal("unmap_volume", storeid, volname, snapname, [:], caller)
  }

  /// Work on this node's view of one volume: under the volume's lock, idempotent, never journaled.
  func nodeLocal(
    _ method: String, _ storeid: String, _ volname: String, _ snapname: String?, _ hints: JSONObject, _ caller: Caller
  ) async throws(StorageError) -> JSONObject {
    _ = try await checked(storeid, volname, snapname)
    var arguments: JSONObject = ["volname": .string(volname)]
    arguments["snapname"] = snapname.map(JSON.string)
    if !hints.isEmpty { arguments["hints"] = .object(hints) }
    let mutation = Mutation(method: method, request: arguments, volumes: [volname], needsStorageLock: false)
    // What reads the volume, such as a clone of it, may go on.
    let leases = try await lock(mutation, on: storeid, caller, isReading: true)
    let result: Result<JSONObject, StorageError>
    do throws(StorageError) {
      result = .success(try await registry.storage(storeid).call(method, arguments, CallRun(caller)))
    } catch { result = .failure(error) }
    await giveBack(leases, after: result.thrown)
    return try result.get()
  }
}
