// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
internal import JSON

/// Gives every (plugin, storage) pair a user id of its own that survives restarts.
///
/// A slot that was given back is used again only when the range is used up, and never while a process of that id lives
/// or something runs in a control group of it (what hangs in the kernel keeps its id for as long as it takes, also before
/// it has taken on the id).
public actor UIDAllocator {
  /// The ids this allocator hands out: 600000 and up.
  public static let defaultRange: Range<UInt32> = 600_000..<665_536

  private struct Owner: Hashable {
    var plugin: String
    var storage: String
  }

  private let path: String
  private let range: Range<UInt32>
  private let idsInUse: @Sendable () -> Set<UInt32>?
  /// By slot; nil is a slot that was given back.
  private var slots: [UInt32: Owner?]?

  /// - Parameters:
  ///   - path: the slots file (`<state dir>/uids.json`), written durably before an id is used. Its directory exists.
  ///   - range: the ids to hand out; outside the machine's own users and sub-ids.
  public init(path: String, range: Range<UInt32> = UIDAllocator.defaultRange) {
    self.init(path: path, range: range, idsInUse: UsedIDs.find)
  }

  /// - Parameter idsInUse: ids under which something runs on this machine; nil when that cannot be found out.
  init(path: String, range: Range<UInt32>, idsInUse: @escaping @Sendable () -> Set<UInt32>?) {
    self.path = path
    self.range = range
    self.idsInUse = idsInUse
  }

  /// The id of this pair, allocated on first use.
  public func uid(plugin: String, storage: String) async throws(SandboxError) -> UInt32 {
    var slots = try load()
    let owner = Owner(plugin: plugin, storage: storage)
    if let slot = slots.first(where: { $0.value == owner })?.key { return range.lowerBound + slot }
    let slot = try freeSlot(slots)
    slots[slot] = .some(owner)
    try save(slots)
    return range.lowerBound + slot
  }

  /// Gives an id back when its storage is removed.
  public func release(plugin: String, storage: String) async throws(SandboxError) {
    var slots = try load()
    let owner = Owner(plugin: plugin, storage: storage)
    guard let slot = slots.first(where: { $0.value == owner })?.key else { return }
    slots.updateValue(nil, forKey: slot)
    try save(slots)
  }

  private func freeSlot(_ slots: [UInt32: Owner?]) throws(SandboxError) -> UInt32 {
    let next = (slots.keys.max() ?? 0) + (slots.isEmpty ? 0 : 1)
    if next < UInt32(range.count) { return next }
    let returned = slots.filter { $0.value == nil }.keys.sorted()
    if !returned.isEmpty, let used = idsInUse(),
      let slot = returned.first(where: { !used.contains(range.lowerBound + $0) })
    {
      return slot
    }
    throw SandboxError(
      .uidsExhausted, "all \(range.count) user ids from \(range.lowerBound) are in use",
      hint: "Remove storages that are no longer needed")
  }

  // The file is small and written rarely; reading and writing it here keeps two callers from getting one slot.
  private func load() throws(SandboxError) -> [UInt32: Owner?] {
    if let slots { return slots }
    var slots: [UInt32: Owner?] = [:]
    if access(path, F_OK) == 0 {
      guard let text = SmallFile.read(path) else { throw unusable("cannot be read", errno: errno) }
      guard let list = (try? JSON.parse(text))?["slots"]?.arrayValue else { throw unusable("is not a slots file") }
      for entry in list {
        guard let slot = entry["slot"]?.intValue.flatMap({ UInt32(exactly: $0) }), slots[slot] == nil else {
          throw unusable("names a slot twice or without a number")
        }
        if let plugin = entry["plugin"]?.stringValue, let storage = entry["storage"]?.stringValue {
          slots[slot] = .some(Owner(plugin: plugin, storage: storage))
        } else {
          slots.updateValue(nil, forKey: slot)
        }
      }
    }
    self.slots = slots
    return slots
  }

  private func save(_ slots: [UInt32: Owner?]) throws(SandboxError) {
    let entries = slots.sorted { $0.key < $1.key }.map { slot, owner -> JSON in
      var entry = JSONObject()
      entry["slot"] = .int(Int64(slot))
      if let owner {
        entry["plugin"] = .string(owner.plugin)
        entry["storage"] = .string(owner.storage)
      }
      return .object(entry)
    }
    var document = JSONObject()
    document["version"] = 1
    document["slots"] = .array(entries)
    let bytes = JSON.object(document).bytes()
    let result = bl_replace_file(path, bytes, UInt32(bytes.count))
    guard result >= 0 else { throw unusable("cannot be written", errno: -result) }
    self.slots = slots
  }

  private func unusable(_ what: String, errno number: Int32? = nil) -> SandboxError {
    SandboxError(
      .stateUnusable, "the table of user ids \(path) \(what)", errno: number,
      hint: "Restore it from a backup; without it a plugin could get the files of another")
  }
}
