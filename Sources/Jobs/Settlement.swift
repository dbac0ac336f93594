// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// How an operation ended.
public enum Settlement: Sendable, Hashable {
  /// Complete; the result is what a repeated request with the same key gets.
  case done(JSON)
  /// Failed; the error's outcome says what is left.
  case failed(StorageError)
  /// The host cannot tell or repair it: somebody must, and the hint says how.
  case reported(StorageError, hint: String)
}

/// What the journal answers to a request with an idempotency key.
public enum JournalAdmission: Sendable, Hashable {
  /// New: the record is durable and the work may start.
  case begin(JournalRecord)
  /// Done before with the same parameters: this is the first result.
  case replay(JournalRecord)
}
