// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A call waiting for its answer.
///
/// `@unchecked Sendable`: while it is in the table it is touched with the table's lock held alone, before and after by
/// the one who puts it in or has taken it out.
final class PendingCall: @unchecked Sendable {
  enum Phase: Sendable {
    case waiting
    /// The other side has been told to cancel, for this reason; the call ends with it unless an answer comes.
    case cancelling(RPCError.Kind)
  }

  let method: String
  /// Resumed by whoever takes the entry out of the table; nil while the caller polls or has only just sent.
  var continuation: UnsafeContinuation<CallTable.Outcome, Never>?
  let onProgress: (@Sendable (CallProgress) -> Void)?
  /// Monotonic nanoseconds: of the call while waiting, of the grace while cancelling.
  var deadline: Int64
  /// Longest time without a sign of life, in nanoseconds; nil without such a limit.
  let silence: Int64?
  /// Monotonic nanoseconds.
  let entered: Int64
  var lastSign: Int64
  var phase = Phase.waiting
  /// Whether the request has been handed to the outbox; a cancel must not overtake it.
  var isSent = false
  var lastDone: Int64 = -1
  var lastSequence: Int64 = -1
  var rate: RateLimit

  init(
    method: String, onProgress: (@Sendable (CallProgress) -> Void)?, deadline: Int64, silence: Int64?, now: Int64
  ) {
    self.method = method
    self.onProgress = onProgress
    self.deadline = deadline
    self.silence = silence
    entered = now
    lastSign = now
    rate = RateLimit(perSecond: 5, now: now)
  }

  /// When something has to happen unless an answer comes.
  var due: Int64 {
    guard case .waiting = phase, let silence else { return deadline }
    return min(deadline, lastSign + silence)
  }
}
