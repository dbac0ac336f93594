// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageRules
internal import Synchronization

/// Secrets of storages that have no section: it may only be commented out, or not restored yet. They are kept apart, and
/// come back with it.
struct AsideSecrets: Sendable, Hashable {
  /// How long they are kept, in seconds.
  static let lifetime: Int64 = 30 * 86_400
  private static let mark = ".aside-"

  let storeid: String
  /// When they were put aside, in seconds since 1970.
  let since: Int64

  init(storeid: String, since: Int64) {
    self.storeid = storeid
    self.since = since
  }

  /// nil for a name that is not one of these.
  init?(name: String) {
    guard let mark = name.ranges(of: Self.mark).last, let since = Int64(name[mark.upperBound...]), since >= 0 else {
      return nil
    }
    self.init(storeid: String(name[..<mark.lowerBound]), since: since)
    guard StorageName.isValid(storeid) else { return nil }
  }

  var name: String { "\(storeid)\(Self.mark)\(since)" }
}

extension SecretStore {
  /// The storages of which secrets are kept aside.
  var storagesAside: Set<String> { Set(aside.withLock { $0 }.map(\.storeid)) }

  /// Finds what is kept aside, and forgets what has been so for too long.
  ///
  /// - Parameter now: in seconds since 1970.
  /// - Returns: what was forgotten.
  func findAside(now: Int64) async throws(ConfigError) -> [AsideSecrets] {
    let found = try await disk.run { [directory] () throws(ConfigError) in
      try directory.names().compactMap(AsideSecrets.init(name:))
    }
    let old = found.filter { now - $0.since > AsideSecrets.lifetime }
    for secrets in old {
      try await disk.run { [directory] () throws(ConfigError) in try directory.remove(secrets.name) }
    }
    aside.withLock { $0 = Set(found).subtracting(old) }
    return old
  }

  /// Whether anything is kept for a storage, in force, aside or damaged.
  func hasAny(_ storeid: String) async throws(ConfigError) -> Bool {
    let name = try Self.file(storeid)
    if storagesAside.contains(storeid) { return true }
    return try await disk.run { [directory] () throws(ConfigError) in try directory.names().contains(name) }
  }

  /// Keeps a storage's secrets aside.
  func putAside(_ storeid: String, now: Int64) async throws(ConfigError) {
    let name = try Self.file(storeid)
    let secrets = AsideSecrets(storeid: storeid, since: now)
    try await disk.run { [directory] () throws(ConfigError) in try directory.rename(name, to: secrets.name) }
    _ = aside.withLock { $0.insert(secrets) }
  }

  /// Puts the newest that are kept aside in force again, unless the storage has others by now.
  ///
  /// - Returns: whether there were any.
  @discardableResult
  func takeBack(_ storeid: String) async throws(ConfigError) -> Bool {
    let name = try Self.file(storeid)
    let kept = aside.withLock { $0 }.filter { $0.storeid == storeid }
    guard let newest = kept.max(by: { $0.since < $1.since }) else { return false }
    let isBack = try await disk.run { [directory] () throws(ConfigError) in
      guard try !directory.names().contains(name) else { return false }
      try directory.rename(newest.name, to: name)
      return true
    }
    if isBack { aside.withLock { _ = $0.remove(newest) } }
    return isBack
  }

  /// Forgets what is kept aside for a storage.
  func dropAside(_ storeid: String) async throws(ConfigError) {
    for secrets in aside.withLock({ $0 }) where secrets.storeid == storeid {
      try await disk.run { [directory] () throws(ConfigError) in try directory.remove(secrets.name) }
      aside.withLock { _ = $0.remove(secrets) }
    }
  }
}
