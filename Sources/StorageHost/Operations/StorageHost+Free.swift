// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
public import StorageProtocol

extension StorageHost {
  /// Removes a volume. One that does not exist counts as removed. Slow wiping goes on afterwards, outside the lock.
  public func free(_ storeid: String, _ volname: String, _ caller: Caller) async throws(StorageError) {
    try InputChecks.storeid(storeid)
    try InputChecks.volname(volname)
    let mutation = Mutation(
      method: "free_image", request: ["volname": .string(volname)], volumes: [volname], needsStorageLock: true)
    let cleanup = CleanupBox()
    _ = try await mutate(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      let parsed = try await storage.parse(volname, run)
      try await self.mustBeItsName(storage, parsed, run)
      try await self.checkFreeable(storage, parsed, run)
      var intent: JSONObject = ["volname": .string(volname), "isBase": .bool(parsed.isBase)]
      intent.setOptional("format", parsed.format)
      return Plan(intent: intent, result: .string(storage.volid(volname)))
    } perform: { (storage, plan, run) async throws(StorageError) in
      do throws(StorageError) {
        let answer = try await storage.call("free_image", plan.intent, run)
        cleanup.token = try await self.noteCleanup(answer, storage, volname)
      } catch { if error.code != .volumeNotFound { throw error } }
      let isThere = try await StorageError.afterWork { () async throws(StorageError) in
        try await storage.exists(volname, run)
      }
      guard !isThere else {
        throw .lie(
          "free_image", storage, "it said '\(storage.volid(volname))' was freed, but the volume is still there",
          outcome: .unknown)
      }
      return plan.result
    }
    if let token = cleanup.token { startCleanup(storeid, token: token, volname: volname) }
  }

  /// A base with clones and a protected volume stay.
  private func checkFreeable(_ storage: Storage, _ parsed: ParsedName, _ run: CallRun) async throws(StorageError) {
    if storage.facts.methods.contains("get_volume_attribute") {
      do throws(StorageError) {
        let answer = try await storage.call(
          "get_volume_attribute", ["volname": .string(parsed.volname), "attribute": "protected"], run.question)
        guard answer["value"] != .bool(true), answer["value"] != .int(1) else {
          throw .refused(
            .protected, "'\(storage.volid(parsed.volname))' is protected",
            hint: "take the protection off first: berth volume protect \(storage.volid(parsed.volname)) --off")
        }
      } catch { if error.code != .notSupported && error.code != .volumeNotFound { throw error } }
    }
    guard parsed.isBase else { return }
    for name in try await storage.imageNames(vmid: nil, run) where name != parsed.volname {
      let other = try await storage.parse(name, run)
      guard other.basename == parsed.name, other.basevmid == nil || other.basevmid == parsed.vmid else { continue }
      throw .refused(
        .hasDependents, "base '\(storage.volid(parsed.volname))' is used by the clone '\(storage.volid(name))'",
        hint: "free its clones first")
    }
  }
}

/// Carries a clean-up token out of a locked operation.
final class CleanupBox: Sendable {
  private let box = MutexBox<String?>(nil)
  var token: String? {
    get { box.value }
    set { box.value = newValue }
  }
}
