// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// Finds out what became of an operation whose answer was lost, by asking the storage, and cleans up after it.
///
/// Works from the journaled intent alone, so it is the same right after a crash of the plugin and at the next start of
/// the daemon. Must run under the locks of the operation.
enum Resolver {
  typealias Rule = @Sendable (Storage, JSONObject, CallRun) async throws(StorageError) -> Verdict

  static let rules: [String: Rule] = [
    "alloc_image": removeNew,
    "clone_image": removeNew,
    "volume_import": received,
    "free_image": finishFree,
    "create_base": based,
    "rename_volume": moved,
    "volume_resize": resized,
    "volume_snapshot": snapshotMade,
    "volume_snapshot_delete": snapshotDeleted,
    "volume_snapshot_rollback": rolledBack,
    "rename_snapshot": snapshotRenamed,
    "update_volume_attribute": attributeSet,
    "run_cleanup": cleanedUp,
    "prune_backups": pruned,
  ]

  /// Operations that make or remove names: their resolution may do so too, under the storage's lock.
  static let changesNames: Set<String> = [
    "alloc_image", "clone_image", "volume_import", "free_image", "create_base", "rename_volume",
  ]

  /// Asks and cleans up; a storage that cannot be asked now leaves the record open by throwing.
  static func resolve(
    _ method: String, _ intent: JSONObject, on storage: Storage, _ run: CallRun
  ) async throws(StorageError) -> Verdict {
    guard let rule = rules[method] else {
      return .reported(
        "nothing is known of how to check \(method)", hint: "look at storage '\(storage.id)', then 'berth reconcile'")
    }
    return try await withStray(try await rule(storage, intent, run), intent, storage, run)
  }

  /// Looks again at an operation that was reported, without changing anything: its names may be another volume's by now.
  static func look(
    _ method: String, _ intent: JSONObject, on storage: Storage, _ run: CallRun
  ) async throws(StorageError) -> Verdict {
    let isFree = method == "free_image"
    let isNew = intent["baseSnapshot"] == nil && ["alloc_image", "clone_image", "volume_import"].contains(method)
    guard isFree || isNew else {
      return try await resolve(method, intent, on: storage, run)
    }
    let volid = storage.volid(try intent.text("volname"))
    guard try await storage.exists(try intent.text("volname"), run) else {
      let verdict = isFree ? Verdict.done(.string(volid)) : .undone("'\(volid)' is not there")
      return try await withStray(verdict, intent, storage, run)
    }
    let what = isFree ? "is still there" : "is there, half-made unless it was made anew"
    return .reported("'\(volid)' \(what)", hint: "if nobody needs it: berth volume free \(volid)")
  }

  /// A name that the plugin claimed instead of the host's stays reported while it exists.
  private static func withStray(
    _ verdict: Verdict, _ intent: JSONObject, _ storage: Storage, _ run: CallRun
  ) async throws(StorageError) -> Verdict {
    guard let stray = intent["returned"]?.stringValue, try await storage.exists(stray, run) else { return verdict }
    return .reported(
      "the plugin said it used the name '\(storage.volid(stray))'",
      hint: "if that volume is new: berth volume free \(storage.volid(stray))")
  }

  /// A new volume that was never acknowledged is removed again, whether whole or half-made.
  private static let removeNew: Rule = { (storage, intent, run) async throws(StorageError) in
    let volname = try intent.text("volname")
    guard try await storage.exists(volname, run) else { return .undone("'\(storage.volid(volname))' was not made") }
    let free = "berth volume free \(storage.volid(volname))"
    do throws(StorageError) {
      _ = try await storage.call("free_image", ["volname": .string(volname)], run)
    } catch {
      return .reported("'\(storage.volid(volname))' is half-made and cannot be removed: \(error.message)", hint: free)
    }
    guard try await !storage.exists(volname, run) else {
      return .reported("'\(storage.volid(volname))' is half-made; its removal was claimed but it is there", hint: free)
    }
    return .undone("'\(storage.volid(volname))' was half-made and has been removed")
  }

  /// An increment's volume was there before and is never removed. Nobody can see from outside how much of the new state
  /// it has, but its base snapshot is a state that is known.
  private static let received: Rule = { (storage, intent, run) async throws(StorageError) in
    guard let base = intent["baseSnapshot"]?.stringValue else { return try await removeNew(storage, intent, run) }
    let volid = storage.volid(try intent.text("volname"))
    return .reported(
      "'\(volid)' may have what came after '\(base)' or not",
      hint: "look at it, or take it back before it is used: berth snapshot rollback \(volid) \(base)")
  }

  /// Freeing is carried on to its end.
  private static let finishFree: Rule = { (storage, intent, run) async throws(StorageError) in
    let volname = try intent.text("volname")
    guard try await storage.exists(volname, run) else { return .done(.string(storage.volid(volname))) }
    do throws(StorageError) {
      _ = try await storage.call("free_image", ["volname": .string(volname)], run)
    } catch {
      if error.outcome == .notStarted || error.outcome == .rolledBack {
        return .undone("'\(storage.volid(volname))' is still there: \(error.message)")
      }
      return .reported(
        "'\(storage.volid(volname))' is still there, perhaps in part: \(error.message)",
        hint: "berth volume free \(storage.volid(volname))")
    }
    guard try await !storage.exists(volname, run) else {
      return .reported(
        "'\(storage.volid(volname))' was called freed twice but is still listed",
        hint: "this is a fault of the plugin; look at the storage, then berth volume free \(storage.volid(volname))")
    }
    return .done(.string(storage.volid(volname)))
  }

  /// A volume that got another name has exactly one of the two.
  private static let moved: Rule = { (storage, intent, run) async throws(StorageError) in
    let old = try intent.text("volname")
    let new = try intent.text("targetVolname")
    let hasOld = try await storage.exists(old, run)
    let hasNew = try await storage.exists(new, run)
    switch (hasOld, hasNew) {
    case (false, true): return .done(.string(storage.volid(new)))
    case (true, false): return .undone("'\(storage.volid(old))' still has its name")
    case (true, true):
      return .reported(
        "both '\(storage.volid(old))' and '\(storage.volid(new))' exist",
        hint: "compare the two, then free the one that is not whole with 'berth volume free'")
    case (false, false):
      return .reported(
        "neither '\(storage.volid(old))' nor '\(storage.volid(new))' is listed",
        hint: "look at the storage itself: the data may be there under another name")
    }
  }

  /// A base has its new name; what comes after the renaming, such as its protection, may be missing. So the request is
  /// sent once more under its own key: a plugin that remembers it carries on, any other says that nothing was begun.
  private static let based: Rule = { (storage, intent, run) async throws(StorageError) in
    let verdict = try await moved(storage, intent, run)
    guard case .done = verdict, let key = run.firstKey else { return verdict }
    var again = run
    again.idempotencyKey = key
    var request = intent
    request["returned"] = nil
    do throws(StorageError) { _ = try await storage.call("create_base", request, again) } catch {
      guard error.outcome == .notStarted || error.outcome == .rolledBack else { throw error }
    }
    return verdict
  }

  /// Retention is done when it would remove nothing more; what is left over may be wanted by now.
  private static let pruned: Rule = { (storage, intent, run) async throws(StorageError) in
    var question = intent
    question["dryRun"] = true
    let answer = try await storage.call("prune_backups", question, run.question)
    let left = (answer["backups"]?.arrayValue ?? []).count { $0["mark"] == "remove" }
    if left == 0 { return .done(.object(answer)) }
    return .reported(
      "pruning storage '\(storage.id)' was interrupted: \(left) backup(s) that it would remove are there",
      hint: "repeat the request if they should go, then: berth reconcile \(storage.id)")
  }

  private static let resized: Rule = { (storage, intent, run) async throws(StorageError) in
    let volname = try intent.text("volname")
    guard let size = intent["size"]?.intValue, let info = try await storage.sizeInfo(volname, run) else {
      return .reported("'\(storage.volid(volname))' is gone", hint: "look at storage '\(storage.id)'")
    }
    if info.size >= size { return .done(.int(info.size)) }
    if info.size == intent["oldSize"]?.intValue { return .undone("'\(storage.volid(volname))' has its old size") }
    return .reported(
      "'\(storage.volid(volname))' has \(info.size) bytes, neither the old nor the new size",
      hint: "berth volume resize \(storage.volid(volname)) \(size)")
  }
}
