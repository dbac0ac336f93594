// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Synchronization

/// The calls that wait for an answer, by id.
///
/// Taking an entry out of the table is what entitles to resume its continuation, so each is resumed exactly once; and
/// always outside the lock.
final class CallTable: Sendable {
  typealias Outcome = Result<JSON, RPCError>

  /// A call waiting for its answer.
  struct Call: Sendable {
    enum Phase: Sendable {
      case waiting
      /// The other side has been told to cancel, for this reason; the call ends with it unless an answer comes.
      case cancelling(RPCError.Kind)
    }

    var method: String
    /// Resumed by whoever takes the entry out of the table; see ``CallTable``.
    var continuation: UnsafeContinuation<Outcome, Never>
    var onProgress: (@Sendable (CallProgress) -> Void)?
    /// Monotonic nanoseconds: of the call while waiting, of the grace while cancelling.
    var deadline: Int64
    /// Longest time without a sign of life, in nanoseconds; nil without such a limit.
    var silence: Int64?
    var lastSign: Int64
    var phase = Phase.waiting
    /// Whether the request has been handed to the outbox; a cancel must not overtake it.
    var isSent = false
    var lastDone: Int64 = -1
    var lastSequence: Int64 = -1
    var rate: RateLimit

    /// When something has to happen unless an answer comes.
    var due: Int64 {
      guard case .waiting = phase, let silence else { return deadline }
      return min(deadline, lastSign + silence)
    }
  }

  private struct State {
    var calls: [Int64: Call] = [:]
    /// Calls given up, whose answers may still come; the oldest are forgotten.
    var abandoned: Set<Int64> = []
    var abandonedOrder: [Int64] = []
    /// Why no more calls are taken.
    var closed: RPCError?
  }

  /// What an id in an answer turned out to be.
  enum Match: Sendable {
    case call(Call)
    case late
    case duplicate
    case unknown
  }

  private static let abandonedLimit = 1024

  private let state = Mutex(State())
  private let lastID = Atomic<Int64>(0)

  func nextID() -> Int64 { lastID.add(1, ordering: .relaxed).newValue }

  var count: Int { state.withLock { $0.calls.count } }

  /// Enters a call, unless there is a reason not to.
  func add(_ id: Int64, _ call: Call) -> RPCError? {
    state.withLock { state in
      if let closed = state.closed { return closed }
      state.calls[id] = call
      return nil
    }
  }

  /// Notes that the request is on its way; a reason means that it was cancelled meanwhile and `$/cancel` is to follow.
  func markSent(_ id: Int64) -> RPCError.Kind? {
    state.withLock { state in
      guard let place = state.calls.index(forKey: id) else { return nil }
      state.calls.values[place].isSent = true
      if case .cancelling(let kind) = state.calls.values[place].phase { return kind }
      return nil
    }
  }

  /// Takes out the call an answer is for.
  func take(_ id: Int64) -> Match {
    state.withLock { state in
      if let call = state.calls.removeValue(forKey: id) { return .call(call) }
      guard id > 0, id <= lastID.load(ordering: .relaxed) else { return .unknown }
      return state.abandoned.remove(id) == nil ? .duplicate : .late
    }
  }

  /// Starts the grace of a call; false when there is nothing to tell the other side (any more, or yet).
  func beginCancel(_ id: Int64, _ kind: RPCError.Kind, graceEnds: Int64) -> Bool {
    state.withLock { state in
      guard let place = state.calls.index(forKey: id), case .waiting = state.calls.values[place].phase else {
        return false
      }
      state.calls.values[place].phase = .cancelling(kind)
      state.calls.values[place].deadline = graceEnds
      return state.calls.values[place].isSent
    }
  }

  /// What the timer found.
  struct Due: Sendable {
    /// Calls whose deadline has passed (or that were silent for too long) and are now in their grace.
    var cancelled: [Int64] = []
    /// Calls whose grace has passed, taken out.
    var expired: [Call] = []
    /// When to look again.
    var next = MonotonicTime.never
  }

  func sweep(now: Int64, graceEnds: Int64) -> Due {
    state.withLock { state in
      var due = Due()
      for id in state.calls.filter({ $0.value.due <= now }).keys.sorted() {
        guard var call = state.calls[id] else { continue }
        if case .cancelling = call.phase {
          state.calls[id] = nil
          Self.abandon(id, &state)
          due.expired.append(call)
        } else {
          call.phase = .cancelling(.timeout)
          call.deadline = graceEnds
          state.calls[id] = call
          if call.isSent { due.cancelled.append(id) }
        }
      }
      due.next = state.calls.values.reduce(MonotonicTime.never) { min($0, $1.due) }
      return due
    }
  }

  /// Remembers that an answer to this call may still come.
  private static func abandon(_ id: Int64, _ state: inout State) {
    state.abandoned.insert(id)
    state.abandonedOrder.append(id)
    guard state.abandonedOrder.count > 2 * abandonedLimit else { return }
    for old in state.abandonedOrder.prefix(abandonedLimit) { state.abandoned.remove(old) }
    state.abandonedOrder.removeFirst(abandonedLimit)
  }

  private static let unheard: @Sendable (CallProgress) -> Void = { _ in }

  /// Notes a sign of life; the receiver when it is one to pass on.
  func sign(
    _ id: Int64, _ report: (sequence: Int64?, progress: ProgressReport)?, now: Int64
  ) -> (@Sendable (CallProgress) -> Void)? {
    state.withLock { state in
      guard let place = state.calls.index(forKey: id) else { return nil }
      state.calls.values[place].lastSign = now
      guard state.calls.values[place].rate.take(now: now) else { return nil }
      if let report {
        let sequence = report.sequence ?? state.calls.values[place].lastSequence + 1
        guard
          sequence > state.calls.values[place].lastSequence, report.progress.done >= state.calls.values[place].lastDone
        else { return nil }
        state.calls.values[place].lastSequence = sequence
        state.calls.values[place].lastDone = report.progress.done
      }
      return state.calls.values[place].onProgress ?? Self.unheard
    }
  }

  /// Refuses calls from now on; the ones in flight still wait.
  func refuse(_ reason: RPCError) {
    state.withLock { state in
      if state.closed == nil { state.closed = reason }
    }
  }

  /// Takes out every call and refuses new ones.
  func close(_ reason: RPCError) -> [Call] {
    state.withLock { state in
      state.closed = reason
      defer { state.calls = [:] }
      return state.calls.sorted { $0.key < $1.key }.map(\.value)
    }
  }
}
