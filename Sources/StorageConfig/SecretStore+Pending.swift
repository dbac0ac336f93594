// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import StorageRules

/// Secrets that belong to a configuration which is about to be written. They lie beside the ones in force, in a file whose
/// name says which configuration that is, and take their place once it is on the disk: whatever a crash leaves, secrets
/// and configuration belong together.
struct PendingSecrets: Sendable, Hashable {
  private static let mark = ".pending-"

  let storeid: String
  /// Of the configuration file with the change, and without it.
  let new: String
  let old: String
  /// Of the storage's section with the change: tells whether it was made where somebody has edited the file since.
  let section: String

  init(storeid: String, new: StorageConfigFile, old: StorageConfigFile) {
    self.storeid = storeid
    self.new = new.digest
    self.old = old.digest
    section = new.digest(ofSection: storeid)
  }

  /// nil for a name that is not one of these.
  init?(name: String) {
    guard let mark = name.ranges(of: Self.mark).last else { return nil }
    let digests = name[mark.upperBound...].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard digests.count == 3, digests.allSatisfy({ $0.utf8.count == 40 }) else { return nil }
    storeid = String(name[..<mark.lowerBound])
    (new, old, section) = (digests[0], digests[1], digests[2])
    guard StorageName.isValid(storeid) else { return nil }
  }

  var name: String { "\(storeid)\(Self.mark)\(new)-\(old)-\(section)" }

  /// Whether the configuration that they belong to is the one in force.
  func belong(to file: StorageConfigFile) -> Bool {
    let digest = file.digest
    if digest == new { return true }
    if digest == old { return false }
    return file.digest(ofSection: storeid) == section
  }
}

extension StorageConfigFile {
  /// The SHA-1 of a section's text; of no text when there is no such section.
  fileprivate func digest(ofSection id: String) -> String {
    ConfigDigest.sha1(sections(named: id).flatMap { lines[$0.lines].flatMap(\.bytes) })
  }
}

extension SecretStore {
  /// Writes what a storage's secrets will be; durable when it returns, not in force yet.
  func prepare(_ secrets: [String: Secret], _ pending: PendingSecrets) async throws(ConfigError) {
    try await disk.run { [directory] () throws(ConfigError) in
      for name in try directory.names() where PendingSecrets(name: name)?.storeid == pending.storeid {
        try directory.remove(name)
      }
      try directory.replace(pending.name, Self.bytes(secrets), mode: 0o600)
    }
  }

  /// Puts them in force. What was kept aside for the storage goes.
  func promote(_ pending: PendingSecrets) async throws(ConfigError) {
    let name = try Self.file(pending.storeid)
    try await disk.run { [directory] () throws(ConfigError) in
      try directory.rename(pending.name, to: name)
      if try Self.read(directory, name, pending.storeid).isEmpty { try directory.remove(name) }
    }
    try await dropAside(pending.storeid)
  }

  /// Forgets them: the configuration stayed as it was.
  func discard(_ pending: PendingSecrets) async throws(ConfigError) {
    try await disk.run { [directory] () throws(ConfigError) in try directory.remove(pending.name) }
  }

  /// What changes that were cut off have left.
  func pending() async throws(ConfigError) -> [PendingSecrets] {
    try await disk.run { [directory] () throws(ConfigError) in
      try directory.names().compactMap(PendingSecrets.init(name:))
    }
  }
}
