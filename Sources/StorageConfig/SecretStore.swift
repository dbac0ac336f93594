// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageRules
internal import Synchronization

/// The values of sensitive properties: one file a storage, for the owner's eyes only.
///
/// Values leave this store as ``Secret`` and through nothing else: no error, no description holds one.
public final class SecretStore: Sendable {
  let directory: DurableDirectory
  let disk: DiskQueue
  /// What is kept for storages without a section; see ``AsideSecrets``.
  let aside = Mutex<Set<AsideSecrets>>([])

  /// Opens the store; makes its directory with mode 0700 when it is missing.
  public convenience init(directory: String) async throws(ConfigError) {
    let disk = DiskQueue("berth.config.secrets")
    let opened = try await disk.run { () throws(ConfigError) in
      let opened = try DurableDirectory(directory, mode: 0o700)
      try opened.restrict(to: 0o700)
      try opened.removeLeftovers()
      return opened
    }
    self.init(directory: opened, disk: disk)
  }

  private init(directory: DurableDirectory, disk: DiskQueue) {
    self.directory = directory
    self.disk = disk
  }

  /// All secrets of a storage, by property.
  public func secrets(of storeid: String) async throws(ConfigError) -> [String: Secret] {
    let name = try Self.file(storeid)
    return try await disk.run { [directory] () throws(ConfigError) in try Self.read(directory, name, storeid) }
  }

  /// One secret; `nil` when it is not set.
  public func secret(_ property: String, of storeid: String) async throws(ConfigError) -> Secret? {
    try await secrets(of: storeid)[property]
  }

  /// Changes a storage's secrets in one step: durable when this returns.
  ///
  /// - Returns: what they were before.
  @discardableResult
  public func apply(_ change: SecretChange, to storeid: String) async throws(ConfigError) -> [String: Secret] {
    let name = try Self.file(storeid)
    return try await disk.run { [directory] () throws(ConfigError) in
      let old = try Self.read(directory, name, storeid)
      var new = old
      for property in change.delete { new[property] = nil }
      new.merge(change.set) { $1 }
      if new != old { try Self.write(directory, name, new) }
      return old
    }
  }

  /// Puts a storage's secrets back to an earlier state, or sets them as a whole.
  public func replace(_ secrets: [String: Secret], of storeid: String) async throws(ConfigError) {
    let name = try Self.file(storeid)
    try await disk.run { [directory] () throws(ConfigError) in try Self.write(directory, name, secrets) }
  }

  /// Forgets a storage's secrets.
  public func remove(_ storeid: String) async throws(ConfigError) {
    try await replace([:], of: storeid)
  }

  /// The storages that have secrets, and files among theirs that are none of them.
  func storages() async throws(ConfigError) -> (ids: [String], strays: [String]) {
    let names = try await disk.run { [directory] () throws(ConfigError) in
      try directory.names().filter { $0.hasSuffix(".json") }
    }
    return (
      names.map { String($0.dropLast(5)) }.filter(StorageName.isValid),
      names.filter { !StorageName.isValid(String($0.dropLast(5))) }
    )
  }

  // MARK: Files

  static func file(_ storeid: String) throws(ConfigError) -> String {
    guard StorageName.isValid(storeid) else {
      throw ConfigError(.invalidID, "\(quoted(storeid)) is no storage id", storeid: storeid)
    }
    return "\(storeid).json"
  }

  static func read(
    _ directory: DurableDirectory, _ name: String, _ storeid: String
  ) throws(ConfigError) -> [String: Secret] {
    guard let bytes = try directory.read(name, limit: 4 << 20) else { return [:] }
    let damaged = ConfigError(
      .io, "the secrets of storage \(quoted(storeid)) in \(directory.path)/\(name) are damaged", storeid: storeid,
      hint: "remove the file and set the sensitive properties anew")
    let json: JSON
    do throws(JSONError) {
      json = try JSON.parse(bytes)
    } catch {
      // What the parser says could quote the text: it stays here.
      throw damaged
    }
    guard case .object(let members) = json else { throw damaged }
    var secrets: [String: Secret] = [:]
    for member in members {
      guard let value = member.value.stringValue else { throw damaged }
      secrets[member.key] = Secret(value)
    }
    return secrets
  }

  private static func write(
    _ directory: DurableDirectory, _ name: String, _ secrets: [String: Secret]
  ) throws(ConfigError) {
    guard !secrets.isEmpty else { return try directory.remove(name) }
    try directory.replace(name, bytes(secrets), mode: 0o600)
  }

  static func bytes(_ secrets: [String: Secret]) -> [UInt8] {
    let members = JSONObject(lastWins: secrets.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value.value)) })
    var bytes: [UInt8] = []
    JSON.object(members).write(into: &bytes)
    return bytes + [0x0a]
  }
}
