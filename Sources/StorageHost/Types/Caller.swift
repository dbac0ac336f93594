// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import Jobs

/// Who asks for an operation, and how.
public struct Caller: Sendable {
  /// The user or program, as the management API authenticated it; recorded in the journal and told to plugins.
  public var actor: String
  /// Makes a repeated request return the first result instead of doing the work again.
  public var idempotencyKey: String?
  /// The longest the caller waits; the method's own default when nil.
  public var timeout: Duration?
  /// The job the operation runs in: gets progress and log lines.
  public var job: JobHandle?
  /// W3C trace context, passed on to the plugin.
  public var traceparent: String?

  public init(
    actor: String, idempotencyKey: String? = nil, timeout: Duration? = nil, job: JobHandle? = nil,
    traceparent: String? = nil
  ) {
    self.actor = actor
    self.idempotencyKey = idempotencyKey
    self.timeout = timeout
    self.job = job
    self.traceparent = traceparent
  }

  /// The host itself: reconciling, sampling, cleaning up.
  public static let host = Caller(actor: "berthd")
}

extension Caller {
  /// The same caller for one of several changes a request asks for, each with a key of its own.
  func part(_ name: String) -> Caller {
    var copy = self
    copy.idempotencyKey = idempotencyKey.map { "\($0)/\(name)" }
    return copy
  }
}
