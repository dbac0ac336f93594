// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import Jobs
internal import StorageProtocol
internal import StorageRules

extension StorageError {
  /// - Parameter field: which argument or property is to blame.
  static func make(
    _ code: Code, _ message: String, outcome: Outcome, hint: String? = nil, field: String? = nil,
    more: JSONObject = [:]
  ) -> StorageError {
    var details = more
    if let field { details["field"] = .string(field) }
    return StorageError(code, message, outcome: outcome, hint: hint, details: details)
  }

  /// Refused before anything was changed.
  static func refused(
    _ code: Code, _ message: String, hint: String?, field: String? = nil
  ) -> StorageError {
    make(code, message, outcome: .notStarted, hint: hint, field: field)
  }

  /// The plugin's answer cannot be true.
  static func lie(
    _ method: String, _ storage: Storage, _ what: String, outcome: Outcome = .notStarted
  ) -> StorageError {
    make(
      .resultInvalid, "plugin \(storage.facts.plugin) answered \(method) of storage '\(storage.id)' wrongly: \(what)",
      outcome: outcome, hint: "this is a fault of the plugin: tell its vendor, with the log")
  }

  static func noVolume(_ volname: String, _ storage: Storage) -> StorageError {
    refused(
      .volumeNotFound, "storage '\(storage.id)' has no volume \(Quoted(volname))",
      hint: "see 'berth volume list \(storage.id)'", field: "volname")
  }

  static func noStorage(_ storeid: String) -> StorageError {
    refused(
      .storageNotFound, "storage '\(storeid)' does not exist", hint: "see 'berth storage list'", field: "storeid")
  }

  init(_ error: RulesError, code: Code = .nameInvalid, context: String) {
    self = .refused(code, "\(context): \(error.message)", hint: error.hint)
  }

  init(_ error: LockError, lock: LockName) {
    let code: Code =
      switch error.code {
      case .timeout: .volumeBusy
      case .cancelled: .cancelled
      case .lost: .lockLost
      default: .storageUnavailable
      }
    self = .make(
      code, "lock \(lock): \(error.message)", outcome: .notStarted,
      hint: code == .volumeBusy ? "see who holds it with 'berth lock list', then repeat" : nil)
  }

  init(_ error: JobsError) {
    let code: Code =
      switch error.code {
      case .idempotencyConflict: .idempotencyConflict
      case .inProgress: .inProgress
      case .journalFull: .noSpace
      case .overloaded: .overloaded
      case .closed: .shuttingDown
      case .notFound: .jobNotFound
      case .invalidState: .invalidParams
      default: .storageUnavailable
      }
    self = .make(
      code, error.message, outcome: .notStarted, hint: error.hint,
      more: error.subject.map { ["operation": .string($0)] } ?? [:])
  }

  /// The same error with what the host found out about what it left behind.
  func with(outcome: Outcome, hint: String? = nil) -> StorageError {
    var error = self
    error.outcome = outcome
    if let hint { error.hint = hint }
    return error
  }

  /// Runs questions that follow the work: when they fail, nobody knows yet whether the work is done.
  static func afterWork<Value: Sendable>(
    _ questions: () async throws(StorageError) -> Value
  ) async throws(StorageError) -> Value {
    do throws(StorageError) { return try await questions() } catch { throw error.with(outcome: .unknown) }
  }

  /// Whether the plugin's side may have done something the host does not know of.
  var needsReconciling: Bool { outcome == .unknown || outcome == .partial || outcome == .completed }
}
