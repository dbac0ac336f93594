// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// What a handler's error becomes on the wire.
enum HandlerFailure {
  static func translate(_ error: any Error, method: String) -> StorageError {
    switch error {
    case let error as StorageError: error
    case is CancellationError:
      // The handler gave up without saying what it left behind.
      StorageError(.cancelled, "\(method) was cancelled", outcome: .unknown)
    case let error as StreamError: error.storageError
    default:
      StorageError(
        .internalError, "\(method): \(ForeignText.bounded(String(describing: error), limit: 512))", outcome: .unknown)
    }
  }
}
