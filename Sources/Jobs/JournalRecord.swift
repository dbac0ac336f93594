// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// One mutating operation as the journal remembers it: written before it starts, settled after.
public struct JournalRecord: Sendable, Hashable {
  /// Where an operation stands.
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Written before the work; nothing known about its end.
    case started
    /// The work is complete and its result is known.
    case done
    /// The work failed; `outcome` says what it left behind.
    case failed
    /// Its end could not be determined or repaired by the host alone: somebody has to look (`hint`).
    case reported
  }

  public let id: OperationID
  /// The operation's name, as in `protocol.json` or a host operation such as `add_storage`.
  public let method: String
  public let storeid: String
  /// What was going to be done: chosen names, sizes, sources. Enough to find out later whether it was.
  public let intent: JSON
  /// SHA-like digest of method and parameters: tells a repeated request from a different one.
  public let paramsDigest: String
  public let idempotencyKey: String?
  /// The fencing token the operation runs under; `nil` before the lock was granted.
  public let token: UInt64?
  /// Who asked, as the management API knows it.
  public let actor: String
  /// The job the operation runs in, when it runs in one.
  public let job: OperationID?
  /// Milliseconds since the epoch.
  public let created: Int64
  public let state: State
  public let outcome: Outcome?
  public let result: JSON?
  public let error: StorageError?
  /// What somebody has to do about a reported record.
  public let hint: String?
  /// Milliseconds since the epoch.
  public let settled: Int64?
}

/// What is written before an operation starts.
public struct JournalIntent: Sendable, Hashable {
  public var method: String
  public var storeid: String
  public var intent: JSON
  public var paramsDigest: String
  public var idempotencyKey: String?
  public var token: UInt64?
  public var actor: String
  public var job: OperationID?

  public init(
    method: String, storeid: String, intent: JSON, paramsDigest: String, idempotencyKey: String? = nil,
    token: UInt64? = nil, actor: String, job: OperationID? = nil
  ) {
    self.method = method
    self.storeid = storeid
    self.intent = intent
    self.paramsDigest = paramsDigest
    self.idempotencyKey = idempotencyKey
    self.token = token
    self.actor = actor
    self.job = job
  }
}
