// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// One piece of work that may take long, as its owner sees it.
public struct Job: Sendable, Hashable {
  /// Where a job stands.
  public enum State: String, Sendable, Hashable, CaseIterable {
    case queued
    case running
    case done
    case failed
    case cancelled
    /// The daemon stopped while it ran; reconciling turns this into done or failed.
    case interrupted

    /// Whether the job has its final result.
    public var isFinal: Bool { self == .done || self == .failed || self == .cancelled }
  }

  public let id: OperationID
  /// The operation's name, such as `clone_image`.
  public let kind: String
  public let storeid: String
  /// One line for people.
  public let title: String
  /// Who started it.
  public let owner: String
  public internal(set) var state: State
  /// Milliseconds since the epoch.
  public let created: Int64
  public internal(set) var started: Int64?
  public internal(set) var finished: Int64?
  public internal(set) var progress: JobProgress?
  public var result: JSON?
  public internal(set) var error: StorageError?
  /// Somebody asked to cancel it.
  public internal(set) var isCancelling = false
  /// It was not begun by the request that got it, but by an earlier one with the same idempotency key.
  public internal(set) var isRepeated = false
}

/// How far a job is.
public struct JobProgress: Sendable, Hashable, JSONCodable {
  /// What it does now.
  public var phase: String
  public var done: Int64
  /// `nil` while unknown.
  public var total: Int64?
  /// What is counted, `bytes` as a rule.
  public var unit: String?
  public var message: String?

  public init(phase: String, done: Int64, total: Int64? = nil, unit: String? = nil, message: String? = nil) {
    self.phase = phase
    self.done = done
    self.total = total
    self.unit = unit
    self.message = message
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    phase = try object.required("phase", at: path)
    done = try object.required("done", at: path)
    total = try object.optional("total", at: path)
    unit = try object.optional("unit", at: path)
    message = try object.optional("message", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.set("phase", phase)
    object.set("done", done)
    object.setOptional("total", total)
    object.setOptional("unit", unit)
    object.setOptional("message", message)
    return .object(object)
  }
}

/// One line of a job's log.
public struct JobLogLine: Sendable, Hashable {
  /// Counts from 0 and only grows; gaps are lines dropped to keep the log bounded.
  public let seq: Int64
  /// Milliseconds since the epoch.
  public let time: Int64
  public let level: Level
  public let message: String

  public enum Level: String, Sendable, Hashable { case debug, info, notice, warning, error }
}

/// What a job is started with.
public struct JobRequest: Sendable, Hashable {
  public var kind: String
  public var storeid: String
  public var title: String
  public var owner: String
  public var idempotencyKey: String?
  public var paramsDigest: String
  /// Whether it takes one of its storage's places: what repairs a storage must not wait for what hangs on it.
  public var takesPlace: Bool

  public init(
    kind: String, storeid: String, title: String, owner: String, idempotencyKey: String? = nil, paramsDigest: String,
    takesPlace: Bool = true
  ) {
    self.kind = kind
    self.storeid = storeid
    self.title = title
    self.owner = owner
    self.idempotencyKey = idempotencyKey
    self.paramsDigest = paramsDigest
    self.takesPlace = takesPlace
  }
}
