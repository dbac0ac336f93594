// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What a connection has seen, for metrics and tests.
public struct PeerCounters: Sendable, Hashable {
  /// Messages read, of every sort.
  public var received = 0
  /// Messages written or queued to be written.
  public var sent = 0
  /// Answers with an id that was never given out.
  public var unknownAnswers = 0
  /// Answers to a call that had already been given up.
  public var lateAnswers = 0
  /// Second answers to the same call.
  public var duplicateAnswers = 0
  /// Lines that were no messages.
  public var strayLines = 0
  /// Progress and heartbeats for no call in flight, going back, or more often than five times a second.
  public var ignoredProgress = 0
  /// Incoming requests answered as overloaded.
  public var refusedRequests = 0
  /// Times reading stopped because too much was waiting.
  public var readPauses = 0

  public init() {}

  /// What two connections have seen together.
  public static func + (one: PeerCounters, other: PeerCounters) -> PeerCounters {
    var sum = one
    sum.received += other.received
    sum.sent += other.sent
    sum.unknownAnswers += other.unknownAnswers
    sum.lateAnswers += other.lateAnswers
    sum.duplicateAnswers += other.duplicateAnswers
    sum.strayLines += other.strayLines
    sum.ignoredProgress += other.ignoredProgress
    sum.refusedRequests += other.refusedRequests
    sum.readPauses += other.readPauses
    return sum
  }
}
