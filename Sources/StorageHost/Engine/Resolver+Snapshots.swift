// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

extension Resolver {
  static let snapshotMade: Rule = { (storage, intent, run) async throws(StorageError) in
    let volname = try intent.text("volname")
    let snapname = try intent.text("snapname")
    guard let names = try await storage.snapshotNames(volname, run) else {
      return .reported(
        "storage '\(storage.id)' cannot list the snapshots of '\(storage.volid(volname))'",
        hint: "berth snapshot delete \(storage.volid(volname)) \(snapname), then take it again")
    }
    return names.contains(snapname)
      ? .done(.null) : .undone("'\(storage.volid(volname))' has no snapshot '\(snapname)'")
  }

  static let snapshotDeleted: Rule = { (storage, intent, run) async throws(StorageError) in
    let volname = try intent.text("volname")
    let snapname = try intent.text("snapname")
    let again = "berth snapshot delete \(storage.volid(volname)) \(snapname)"
    guard let names = try await storage.snapshotNames(volname, run) else {
      return .reported("storage '\(storage.id)' cannot list the snapshots of '\(storage.volid(volname))'", hint: again)
    }
    guard names.contains(snapname) else { return .done(.null) }
    return .reported("snapshot '\(snapname)' of '\(storage.volid(volname))' may be deleted in part", hint: again)
  }

  /// Nobody can see from outside whether a rollback was complete; repeating it is always right, but only the owner
  /// knows whether the volume was written since.
  static let rolledBack: Rule = { (storage, intent, _) async throws(StorageError) in
    let volid = storage.volid(try intent.text("volname"))
    let snapname = try intent.text("snapname")
    return .reported(
      "'\(volid)' may be rolled back to '\(snapname)' in part",
      hint: "before anything uses the volume: berth snapshot rollback \(volid) \(snapname)")
  }

  static let snapshotRenamed: Rule = { (storage, intent, run) async throws(StorageError) in
    let volname = try intent.text("volname")
    let old = try intent.text("snapname")
    let new = try intent.text("targetSnapname")
    let names = try await storage.snapshotNames(volname, run) ?? []
    switch (names.contains(old), names.contains(new)) {
    case (false, true): return .done(.null)
    case (true, false): return .undone("snapshot '\(old)' still has its name")
    default:
      return .reported(
        "'\(storage.volid(volname))' has the snapshots \(names.joined(separator: ", "))",
        hint: "look at 'berth snapshot list \(storage.volid(volname))'")
    }
  }

  static let attributeSet: Rule = { (storage, intent, run) async throws(StorageError) in
    let volname = try intent.text("volname")
    let attribute = try intent.text("attribute")
    let answer = try await storage.call(
      "get_volume_attribute", ["volname": .string(volname), "attribute": .string(attribute)], run.question)
    return isSame(answer["value"], intent["value"])
      ? .done(.null) : .undone("attribute '\(attribute)' of '\(storage.volid(volname))' has its old value")
  }

  /// Whether two values of an attribute mean the same: none is the empty text, a flag may be a number.
  static func isSame(_ left: JSON?, _ right: JSON?) -> Bool {
    func plain(_ value: JSON?) -> JSON {
      switch value {
      case nil, .null, .bool(false), .int(0): ""
      case .bool(true): .int(1)
      case .some(let value): value
      }
    }
    return plain(left) == plain(right)
  }

  /// A clean-up is repeated until it is done; plugins must take a token they know nothing of as done.
  static let cleanedUp: Rule = { (storage, intent, run) async throws(StorageError) in
    _ = try await storage.call("run_cleanup", ["token": .string(try intent.text("token"))], run)
    return .done(.null)
  }
}
