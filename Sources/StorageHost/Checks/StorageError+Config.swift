// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageConfig
internal import StorageProtocol

extension StorageError {
  init(_ error: ConfigError) {
    let code: Code =
      switch error.code {
      case .noSpace: .noSpace
      case .locked: .overloaded
      case .cancelled: .cancelled
      case .io: .storageUnavailable
      case .notFound: .storageNotFound
      default: .configInvalid
      }
    self = .make(
      code, error.message, outcome: .notStarted,
      hint: error.hint ?? (code == .storageNotFound ? "see 'berth storage list'" : nil),
      field: error.property.map { "/\($0)" }, more: ["reason": .string(error.code.rawValue)])
  }

  /// Whatever a configuration change threw: its own errors, or those of a hook inside it.
  init(change error: any Error) {
    switch error {
    case let error as StorageError: self = error
    case let error as ConfigError: self.init(error)
    case is CancellationError: self = .make(.cancelled, "the change was cancelled", outcome: .rolledBack)
    default: self = .make(.internalError, "the change failed: \(error)", outcome: .rolledBack)
    }
  }
}
