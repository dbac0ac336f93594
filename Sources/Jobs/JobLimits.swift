// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Bounds that keep jobs from growing without end.
public struct JobLimits: Sendable, Hashable {
  /// Jobs that run at once; more wait in order.
  public var running = 256
  /// Jobs that run at once on one storage, so that one that hangs leaves room for the others.
  public var runningPerStorage = 32
  /// Jobs that wait; more are refused.
  public var queued = 2_000
  /// Jobs that wait for one storage.
  public var queuedPerStorage = 500
  /// Log lines kept for one job; the oldest go first.
  public var logLines = 2_000
  /// Bytes of one log line; the rest is cut.
  public var logLineBytes = 4_096
  /// Finished jobs kept.
  public var finished = 2_000
  /// Milliseconds a finished job is kept.
  public var finishedAge: Int64 = 7 * 86_400_000

  public init() {}
}
