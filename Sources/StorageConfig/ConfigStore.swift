// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import JSON
internal import Synchronization

/// The configuration on the disk: `storage.cfg` and the secrets beside it.
///
/// Reading never waits for a writer. A writer holds the configuration lock from before its hook runs until the new
/// file is durable: a queue in this process, a flock towards others. The file is replaced as a whole; a full disk or a
/// crash leaves the old one.
public final class ConfigStore: Sendable {
  /// Runs inside the lock, before anything is written; what it throws aborts the change.
  public typealias Hook = @Sendable (ConfigDraft) async throws -> HookResult
  /// Runs when a hook succeeded and the change could not be written after all.
  public typealias Undo = @Sendable (ConfigDraft) async -> Void

  /// Runs with the change as it will be written, right before; what it throws aborts the change.
  public typealias Writing = @Sendable (ConfigDraft) async throws -> Void

  private struct State: Sendable {
    var schema: StorageSchema
    /// Grows with every new schema: a snapshot made by an old one is not published.
    var schemaVersion = 0
    var snapshot: ConfigSnapshot
    /// Grows with every publication, so that a slow reader never puts back what it read before.
    var version = 0
  }

  static let fileName = "storage.cfg"
  static let lockName = "storage.cfg.lock"
  /// A configuration larger than this is no configuration.
  static let sizeLimit = 16 << 20

  /// The sensitive properties.
  public let secrets: SecretStore

  private let state: Mutex<State>
  private let directory: DurableDirectory
  private let reader = DiskQueue("berth.config.read")
  private let writer = DiskQueue("berth.config.write")
  private let gate = FairGate()

  /// What was found and settled when it was opened: for the log.
  public let notes: [String]

  private init(directory: DurableDirectory, secrets: SecretStore, state: State, notes: [String]) {
    self.notes = notes
    self.directory = directory
    self.secrets = secrets
    self.state = Mutex(state)
  }

  /// Opens the configuration in a state directory: `storage.cfg`, made by the first change, and `secrets/`.
  ///
  /// A change that a crash cut off is completed or taken back, so that secrets and configuration belong together. Secrets
  /// of storages without a section are kept aside for 30 days, and put in force again when the section is back.
  ///
  /// - Parameter now: in seconds since 1970; the clock's own when nil.
  public static func open(
    directory: String, schema: StorageSchema, now: Int64? = nil
  ) async throws(ConfigError) -> ConfigStore {
    let secrets = try await SecretStore(directory: "\(directory)/secrets")
    let (opened, file) = try await DiskQueue("berth.config.open").run { () throws(ConfigError) in
      let opened = try DurableDirectory(directory, mode: 0o750)
      try opened.removeLeftovers()
      return (opened, try load(opened))
    }
    let notes = try await settle(secrets, file, opened, now ?? Int64(time(nil)))
    return ConfigStore(
      directory: opened, secrets: secrets,
      state: State(schema: schema, snapshot: ConfigSnapshot(file: file, schema: schema)), notes: notes)
  }

  /// Brings the secrets in line with the configuration; returns what there is to say about it.
  private static func settle(
    _ secrets: SecretStore, _ file: StorageConfigFile, _ directory: DurableDirectory, _ now: Int64
  ) async throws(ConfigError) -> [String] {
    var notes: [String] = []
    if try await !secrets.pending().isEmpty {
      // Nobody else's change may be under way; what is left then was cut off.
      let lock = try await DiskQueue("berth.config.lock").run { () throws(ConfigError) in
        try directory.lock(lockName, owner: "berthd, start", waitMs: 60_000)
      }
      defer { withExtendedLifetime(lock) {} }
      let file = try await DiskQueue("berth.config.open").run { () throws(ConfigError) in try load(directory) }
      for pending in try await secrets.pending() {
        if pending.belong(to: file) { try await secrets.promote(pending) } else { try await secrets.discard(pending) }
        notes.append("a change of storage \(quoted(pending.storeid)) that was cut off is settled")
      }
    }
    for old in try await secrets.findAside(now: now) {
      notes.append(
        "secrets kept aside for storage \(quoted(old.storeid)), which has had no section for 30 days, are gone")
    }
    let (ids, strays) = try await secrets.storages()
    for name in strays {
      notes.append("the file \(quoted(name)) among the secrets belongs to no storage and is left alone")
    }
    for orphan in ids where file.sections(named: orphan).isEmpty {
      try await secrets.putAside(orphan, now: now)
      notes.append(
        "storage \(quoted(orphan)) has no section: its secrets are kept aside for 30 days and come back with it")
    }
    for id in secrets.storagesAside.sorted() where !file.sections(named: id).isEmpty {
      if try await secrets.takeBack(id) {
        notes.append("storage \(quoted(id)) has a section again, and its secrets")
      }
    }
    return notes
  }

  // MARK: Reading

  /// The configuration as last read or written: at once, without a look at the disk.
  public var snapshot: ConfigSnapshot { state.withLock { $0.snapshot } }

  /// The configuration as it is on the disk now, edits by others included.
  public func read() async throws(ConfigError) -> ConfigSnapshot {
    let version = state.withLock { $0.version }
    let file = try await reader.run { [directory] () throws(ConfigError) in try Self.load(directory) }
    for id in secrets.storagesAside where !file.sections(named: id).isEmpty { try await secrets.takeBack(id) }
    return publish(file, unlessNewerThan: version)
  }

  /// The storage types in force.
  public var schema: StorageSchema { state.withLock { $0.schema } }

  /// Puts other storage types in force: plugins came or went.
  public func setSchema(_ schema: StorageSchema) {
    state.withLock { state in
      state.schema = schema
      state.schemaVersion += 1
      state.version += 1
      state.snapshot = ConfigSnapshot(file: state.snapshot.file, schema: schema)
    }
  }

  // MARK: Changing

  /// Adds a storage. See ``ConfigEditor/add(id:type:values:digest:)`` for the rules.
  @discardableResult
  public func add(
    id: String, type: String, values: JSONObject, digest: String? = nil, owner: String = "berthd",
    timeout: Duration = .seconds(60), hook: Hook = { _ in .none }, undo: Undo = { _ in }
  ) async throws -> ConfigDraft {
    try await change("add \(id)", owner: owner, timeout: timeout, hook: hook, undo: undo) {
      (editor) throws(ConfigError) in try editor.add(id: id, type: type, values: values, digest: digest)
    }
  }

  /// Changes a storage. See ``ConfigEditor/update(id:values:deleting:digest:)`` for the rules.
  @discardableResult
  public func update(
    id: String, values: JSONObject, deleting: [String] = [], digest: String? = nil, owner: String = "berthd",
    timeout: Duration = .seconds(60), hook: Hook = { _ in .none }, undo: Undo = { _ in },
    writing: Writing = { _ in }
  ) async throws -> ConfigDraft {
    try await change("update \(id)", owner: owner, timeout: timeout, hook: hook, undo: undo, writing: writing) {
      (editor) throws(ConfigError) in
      try editor.update(id: id, values: values, deleting: deleting, digest: digest)
    }
  }

  /// Removes a storage from the configuration, its secrets too. Its data stays where it is.
  @discardableResult
  public func remove(
    id: String, digest: String? = nil, owner: String = "berthd", timeout: Duration = .seconds(60),
    hook: Hook = { _ in .none }, undo: Undo = { _ in }
  ) async throws -> ConfigDraft {
    try await change("remove \(id)", owner: owner, timeout: timeout, hook: hook, undo: undo) {
      (editor) throws(ConfigError) in try editor.remove(id: id, digest: digest)
    }
  }

  /// Takes over the storages of another configuration file, such as one of Proxmox VE; see
  /// ``StorageConfigFile/merging(_:)``. No hook runs: what was added there is not added again.
  ///
  /// - Returns: the configuration with them.
  public func merge(
    _ other: StorageConfigFile, digest: String? = nil, owner: String = "berthd", timeout: Duration = .seconds(60)
  ) async throws(ConfigError) -> ConfigSnapshot {
    guard await gate.enter() else {
      throw ConfigError(.cancelled, "merging was cancelled while it waited for the configuration lock")
    }
    defer { gate.leave() }
    let waitMs = Int(timeout / .milliseconds(1))
    let file = try await writer.run { [directory] () throws(ConfigError) in
      let lock = try directory.lock(Self.lockName, owner: "\(owner), merge", waitMs: waitMs)
      defer { withExtendedLifetime(lock) {} }
      let old = try Self.load(directory)
      try ConfigEditor.check(digest, of: old)
      let new = try old.merging(other)
      if new != old { try Self.replace(directory, old, by: new) }
      return new
    }
    return publish(file, unlessNewerThan: nil)
  }

  private func change(
    _ operation: String, owner: String, timeout: Duration, hook: Hook, undo: Undo, writing: Writing = { _ in },
    plan: (ConfigEditor) throws(ConfigError) -> ConfigDraft
  ) async throws -> ConfigDraft {
    guard await gate.enter() else {
      throw ConfigError(.cancelled, "\(operation) was cancelled while it waited for the configuration lock")
    }
    defer { gate.leave() }
    let waitMs = Int(timeout / .milliseconds(1))
    // The lock is freed when this value goes, after the write or after an error.
    let lock = try await writer.run { [directory] () throws(ConfigError) in
      try directory.lock(Self.lockName, owner: "\(owner), \(operation)", waitMs: waitMs)
    }
    defer { withExtendedLifetime(lock) {} }
    let file = try await writer.run { [directory] () throws(ConfigError) in try Self.load(directory) }
    let draft = try plan(ConfigEditor(schema: schema, file: file))
    let result = try await hook(draft)
    do {
      let editor = ConfigEditor(schema: schema, file: file)
      let patched = try editor.patch(
        draft, set: result.set, deleting: result.delete, secrets: result.secrets, granted: result.granted)
      try await writing(patched)
      try await commit(patched, over: file)
      return patched
    } catch {
      await undo(draft)
      throw error
    }
  }

  /// Writes secrets and file so that they belong together after any crash: the new secrets wait beside the old ones until
  /// the file is there. What a crash leaves waiting the next start settles, by the file that it finds.
  private func commit(_ draft: ConfigDraft, over old: StorageConfigFile) async throws(ConfigError) {
    let pending = try await prepareSecrets(of: draft, over: old)
    do throws(ConfigError) {
      try await writer.run { [directory] () throws(ConfigError) in
        // Who edits the file by hand takes no lock: what came in since is not overwritten.
        let now = try Self.load(directory)
        guard now == old else {
          throw ConfigError(
            .digestConflict,
            "the configuration was edited by others while it was being changed: its digest was "
              + "'\(old.digest)' and is '\(now.digest)' now", storeid: draft.id, hint: "repeat the change")
        }
        if draft.file != old { try Self.replace(directory, old, by: draft.file) }
      }
    } catch {
      if let pending { await discard(pending) }
      throw error
    }
    if let pending {
      do throws(ConfigError) {
        try await secrets.promote(pending)
      } catch {
        try await takeBack(draft, old, pending, after: error)
      }
    }
    _ = publish(draft.file, unlessNewerThan: nil)
  }

  /// Writes what the storage's secrets will be; `nil` when they stay as they are.
  private func prepareSecrets(
    of draft: ConfigDraft, over old: StorageConfigFile
  ) async throws(ConfigError) -> PendingSecrets? {
    var after: [String: Secret] = [:]
    if draft.action == .update {
      guard !draft.secrets.isEmpty else { return nil }
      let before = try await secrets.secrets(of: draft.id)
      after = before
      for property in draft.secrets.delete { after[property] = nil }
      after.merge(draft.secrets.set) { $1 }
      guard after != before else { return nil }
    } else {
      // Whatever an earlier storage of this id left behind, damaged or not, is not the new one's and goes with the old.
      after = draft.secrets.set
      let hasAny = try await secrets.hasAny(draft.id)
      guard hasAny || !after.isEmpty else { return nil }
    }
    let pending = PendingSecrets(storeid: draft.id, new: draft.file, old: old)
    do throws(ConfigError) {
      try await secrets.prepare(after, pending)
    } catch {
      await discard(pending)
      throw error
    }
    return pending
  }

  private func discard(_ pending: PendingSecrets) async {
    do throws(ConfigError) {
      try await secrets.discard(pending)
    } catch {
      // It belongs to a configuration that is not there: the next change or start removes it.
    }
  }

  /// Puts the file back whose new secrets could not be put in force, and throws why.
  private func takeBack(
    _ draft: ConfigDraft, _ old: StorageConfigFile, _ pending: PendingSecrets, after error: ConfigError
  ) async throws(ConfigError) {
    do throws(ConfigError) {
      if draft.file != old {
        try await writer.run { [directory] () throws(ConfigError) in
          try Self.replace(directory, draft.file, by: old)
        }
      }
    } catch let second {
      var both = error
      both.message = "\(error.message); the configuration could not be put back either: \(second.message)"
      both.hint = "set the sensitive properties of storage \(quoted(draft.id)) anew"
      throw both
    }
    await discard(pending)
    throw error
  }

  /// Replaces the file. After an error the old content stands: if the new one came in before the error (its directory
  /// could not be synced), it is put back.
  private static func replace(
    _ directory: DurableDirectory, _ old: StorageConfigFile, by new: StorageConfigFile
  ) throws(ConfigError) {
    do throws(ConfigError) {
      try directory.replace(fileName, new.bytes, mode: 0o640)
    } catch {
      let failure = error
      do throws(ConfigError) {
        if try load(directory) == new { try directory.replace(fileName, old.bytes, mode: 0o640) }
      } catch {
        // The first error says what is wrong with the disk; a second one adds nothing.
      }
      throw failure
    }
  }

  // MARK: Details

  private static func load(_ directory: DurableDirectory) throws(ConfigError) -> StorageConfigFile {
    StorageConfigFile(parsing: try directory.read(fileName, limit: sizeLimit) ?? [])
  }

  private func publish(_ file: StorageConfigFile, unlessNewerThan version: Int?) -> ConfigSnapshot {
    while true {
      let (schema, schemaVersion, current) = state.withLock { ($0.schema, $0.schemaVersion, $0.snapshot) }
      // Resolving is the costly part and needs no lock; most reads find the file as it was.
      let fresh = current.file == file ? current : ConfigSnapshot(file: file, schema: schema)
      let published = state.withLock { state -> ConfigSnapshot? in
        if let version, state.version != version { return state.snapshot }
        guard state.schemaVersion == schemaVersion else { return nil }
        state.version += 1
        state.snapshot = fresh
        return fresh
      }
      if let published { return published }
    }
  }
}
