// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import ManagementTypes
internal import StorageProtocol

extension Problem {
  /// What the host says, with the HTTP status that fits.
  init(_ error: StorageError) {
    self.init(
      status: Problem.status(error), symbol: error.code.symbol, detail: error.message,
      outcome: error.outcome.rawValue, hint: error.advice, retry: error.retry.class.rawValue,
      retryAfterMs: error.retry.afterMs, data: error.details)
  }

  /// Any other error: a fault of the daemon itself.
  static func describing(_ error: any Error) -> Problem {
    if let error = error as? StorageError { return Problem(error) }
    return Problem(
      status: 500, symbol: "INTERNAL", detail: "the daemon failed unexpectedly (\(type(of: error)))",
      outcome: "unknown", hint: "its log says more; look at the storage's state before asking again")
  }

  private static func status(_ error: StorageError) -> Int {
    switch error.code {
    case .invalidParams, .invalidRequest, .nameInvalid, .formatUnsupported, .cursorInvalid: 400
    case .configInvalid: configStatus(error)
    // The administrator's own word is missing, not the storage's.
    case .permissionDenied where error.details["reason"] == "CONSENT_REQUIRED": 409
    case .volumeNotFound, .snapshotNotFound, .storageNotFound, .jobNotFound, .pluginNotFound: 404
    case .volumeExists, .snapshotExists, .volumeBusy, .hasDependents, .rollbackBlocked, .idempotencyConflict,
      .inProgress, .protected, .readOnly, .cancelled:
      409
    // Without the limit that the request exceeds it is a line of the plugin's.
    case .messageTooLarge: error.details["limit"] == nil ? 502 : 413
    case .notSupported, .methodNotFound, .unsupportedFeature: 422
    case .internalError: 500
    case .backendError, .authFailed, .permissionDenied, .corrupt, .pluginCrashed, .protocolViolation, .resultInvalid,
      .streamBroken, .hostDenied:
      502
    case .storageUnavailable, .storageNotActive, .shuttingDown, .overloaded, .pluginQuarantined, .pluginUnreapable,
      .sandboxFailed, .lockLost, .staleFence:
      503
    case .deadlineExceeded: 504
    case .noSpace, .quotaExceeded: 507
    default: 500
    }
  }

  /// A fault of the configuration: what the configuration module calls it says more than the code.
  private static func configStatus(_ error: StorageError) -> Int {
    switch error.details["reason"]?.stringValue {
    case "STORAGE_EXISTS", "DIGEST_CONFLICT", "DUPLICATE_SECTION": 409
    default: 400
    }
  }
}
