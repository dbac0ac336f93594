// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Synchronization

/// The calls that wait for an answer, by id.
///
/// Taking an entry out of the table is what entitles to settle its call, so each is settled exactly once. Continuations
/// are resumed outside the lock; the outcome of a call whose caller does not wait yet is kept until it asks.
final class CallTable: Sendable {
  typealias Outcome = Result<JSON, RPCError>

  typealias Call = PendingCall

  private struct State {
    /// By ascending id; ids come in about that order, so both ends are cheap.
    var ids: [Int64] = []
    var calls: [Call] = []
    /// Outcomes of calls that were settled before their callers began to wait.
    var early: [Int64: Outcome] = [:]
    /// Calls given up, whose answers may still come; the oldest are forgotten.
    var abandoned: Set<Int64> = []
    var abandonedOrder: [Int64] = []
    /// Why no more calls are taken.
    var closed: RPCError?

    /// Where the first id stands that is not less.
    func place(of id: Int64) -> Int {
      var (low, high) = (0, ids.count)
      while low < high {
        let middle = (low + high) / 2
        if ids[middle] < id { low = middle + 1 } else { high = middle }
      }
      return low
    }

    subscript(id: Int64) -> Call? {
      let place = place(of: id)
      return place < ids.count && ids[place] == id ? calls[place] : nil
    }

    mutating func insert(_ id: Int64, _ call: Call) {
      let place = place(of: id)
      ids.insert(id, at: place)
      calls.insert(call, at: place)
    }

    mutating func remove(_ id: Int64) -> Call? {
      let place = place(of: id)
      guard place < ids.count, ids[place] == id else { return nil }
      ids.remove(at: place)
      return calls.remove(at: place)
    }
  }

  /// What an id in an answer turned out to be.
  enum Match: Sendable {
    /// A waiting call, to be resumed by whoever asked.
    case waiting(UnsafeContinuation<Outcome, Never>, Outcome)
    /// The call of the one who asks.
    case own(Outcome)
    /// A call whose caller will ask for its outcome.
    case kept
    case late
    case duplicate
    case unknown
  }

  private static let abandonedLimit = 1024

  private let state = Mutex(State())
  private let lastID = Atomic<Int64>(0)
  private let inFlight = Atomic<Int>(0)

  func nextID() -> Int64 { lastID.add(1, ordering: .relaxed).newValue }

  /// Calls in the table. A call is counted before ``add(_:_:)`` returns.
  var count: Int { inFlight.load(ordering: .sequentiallyConsistent) }

  /// Enters a call, unless there is a reason not to.
  func add(_ id: Int64, _ call: Call) -> RPCError? {
    state.withLock { state in
      if let closed = state.closed { return closed }
      state.insert(id, call)
      inFlight.store(state.ids.count, ordering: .sequentiallyConsistent)
      return nil
    }
  }

  /// Notes that the request is on its way; a reason means that it was cancelled meanwhile and `$/cancel` is to follow.
  func markSent(_ id: Int64) -> RPCError.Kind? {
    state.withLock { state in
      guard let call = state[id] else { return nil }
      call.isSent = true
      if case .cancelling(let kind) = call.phase { return kind }
      return nil
    }
  }

  /// Takes out the call an answer is for.
  ///
  /// - Parameters:
  ///   - own: the call whose caller is asking here; its outcome is handed back, not kept.
  ///   - outcome: makes the outcome; called with the lock held.
  func settle(_ id: Int64, own: Int64? = nil, _ outcome: (Call) -> Outcome) -> Match {
    state.withLock { state in
      if let call = state.remove(id) {
        inFlight.store(state.ids.count, ordering: .sequentiallyConsistent)
        if let continuation = call.continuation { return .waiting(continuation, outcome(call)) }
        if id == own { return .own(outcome(call)) }
        state.early[id] = outcome(call)
        return .kept
      }
      guard id > 0, id <= lastID.load(ordering: .relaxed) else { return .unknown }
      return state.abandoned.remove(id) == nil ? .duplicate : .late
    }
  }

  /// The outcome of a call, when it has one; asked by its caller before it waits.
  func collect(_ id: Int64) -> Outcome? {
    state.withLock { $0.early.isEmpty ? nil : $0.early.removeValue(forKey: id) }
  }

  /// Has the continuation resumed with the outcome of the call; returns it when it is there already, then the
  /// continuation is the caller's to resume.
  func wait(_ id: Int64, _ continuation: UnsafeContinuation<Outcome, Never>) -> Outcome? {
    state.withLock { state in
      if let call = state[id] {
        call.continuation = continuation
        return nil
      }
      return state.early.removeValue(forKey: id)
    }
  }

  /// Starts the grace of a call; false when there is nothing to tell the other side (any more, or yet).
  func beginCancel(_ id: Int64, _ kind: RPCError.Kind, graceEnds: Int64) -> Bool {
    state.withLock { state in
      guard let call = state[id], case .waiting = call.phase else { return false }
      call.phase = .cancelling(kind)
      call.deadline = graceEnds
      return call.isSent
    }
  }

  /// What the timer found.
  struct Due: Sendable {
    /// Calls whose deadline has passed (or that were silent for too long) and are now in their grace.
    var cancelled: [Int64] = []
    /// Waiting calls whose grace has passed, taken out.
    var expired: [(UnsafeContinuation<Outcome, Never>, Outcome)] = []
    /// When to look again.
    var next = MonotonicTime.never
  }

  /// - Parameter expired: the outcome of a call whose grace has passed; called with the lock held.
  func sweep(now: Int64, graceEnds: Int64, expired: (Call) -> Outcome) -> Due {
    state.withLock { state in
      var due = Due()
      for (id, call) in zip(state.ids, state.calls) where call.due <= now {
        if case .cancelling = call.phase {
          _ = state.remove(id)
          Self.abandon(id, &state)
          if let continuation = call.continuation {
            due.expired.append((continuation, expired(call)))
          } else {
            state.early[id] = expired(call)
          }
        } else {
          call.phase = .cancelling(.timeout)
          call.deadline = graceEnds
          if call.isSent { due.cancelled.append(id) }
        }
      }
      inFlight.store(state.ids.count, ordering: .sequentiallyConsistent)
      due.next = state.calls.reduce(MonotonicTime.never) { min($0, $1.due) }
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
      guard let call = state[id] else { return nil }
      call.lastSign = now
      guard call.rate.take(now: now) else { return nil }
      if let report {
        let sequence = report.sequence ?? call.lastSequence + 1
        guard sequence > call.lastSequence, report.progress.done >= call.lastDone else { return nil }
        call.lastSequence = sequence
        call.lastDone = report.progress.done
      }
      return call.onProgress ?? Self.unheard
    }
  }

  /// Refuses calls from now on; the ones in flight still wait.
  func refuse(_ reason: RPCError) {
    state.withLock { state in
      if state.closed == nil { state.closed = reason }
    }
  }

  /// Settles every call with the reason and refuses new ones; the continuations are the caller's to resume.
  func close(_ reason: RPCError) -> [UnsafeContinuation<Outcome, Never>] {
    state.withLock { state in
      state.closed = reason
      defer {
        state.ids = []
        state.calls = []
        inFlight.store(0, ordering: .sequentiallyConsistent)
      }
      return zip(state.ids, state.calls).compactMap { id, call in
        if call.continuation == nil { state.early[id] = .failure(reason) }
        return call.continuation
      }
    }
  }
}
