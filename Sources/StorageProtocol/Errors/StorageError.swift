// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A failure as the protocol speaks of it: what, why, what state was left behind, what to do.
///
/// The same type serves plugins, the host and its clients. Text that came from a plugin is bounded and its control
/// characters are escaped when it is read (``init(json:path:)``).
public struct StorageError: Error, Sendable, Hashable {
  /// What failed.
  public var code: Code
  /// One line for people; holds no secrets.
  public var message: String
  /// What state the failure left behind.
  public var outcome: Outcome
  /// What a caller may do about it.
  public var retry: RetryAdvice
  /// What a person should do next, one sentence.
  public var hint: String?
  /// Further members of `error.data`, such as `field`, `blockers`, `needed`, `backend`.
  public var details: JSONObject

  /// - Parameter retry: what a caller may do; what the error table says when nil.
  public init(
    _ code: Code, _ message: String, outcome: Outcome, retry: RetryAdvice? = nil, hint: String? = nil,
    details: JSONObject = [:]
  ) {
    self.code = code
    self.message = message
    self.outcome = outcome
    self.retry = retry ?? RetryAdvice(code.defaultRetry)
    self.hint = hint
    self.details = details
  }
}

extension StorageError: CustomStringConvertible {
  /// `VOLUME_NOT_FOUND: no volume … (not_started); hint`.
  public var description: String {
    let head = "\(code.symbol): \(message) (\(outcome.rawValue))"
    return hint.map { "\(head); \($0)" } ?? head
  }
}
