// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization

/// The lock service of a single node: leases in memory, fencing tokens durable.
///
/// A crash frees every lock, for whoever held one died with the daemon or is killed when it starts again; tokens go on
/// growing, because their range is reserved on the disk ahead of use. An uncontended grant touches no disk, no other
/// thread and no task.
public final class EmbeddedLocks: LockService {
  typealias Outcome = Result<Lease, LockError>

  struct State: Sendable {
    var table = LockTable()
    var tokens: TokenRange
    var nextTicket: UInt64 = 0
    /// Tasks parked until their ticket's outcome is known.
    var parked: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
    /// Outcomes of tickets whose task has not parked yet.
    var early: [UInt64: Outcome] = [:]
    var isReserving = false
    /// No attempt to reserve tokens before this time while some are left: a full disk is not hammered.
    var reserveNotBefore: Duration = .zero
    var isTicking = false
    var idleTicks = 0
    var isClosed = false
  }

  /// How often deadlines are looked at while any lock is held or waited for.
  static let resolution: Duration = .milliseconds(50)

  let state: Mutex<State>
  let time: LockTime
  private let file: TokenFile
  private let reclaim: LockRequest.Reclaim
  /// Files are written here, never on a thread of the cooperative pool.
  private let disk = DispatchQueue(label: "berth.locks.disk")

  /// Opens the service.
  ///
  /// Blocks for two small file operations; open it at start, before anything is served.
  ///
  /// - Parameters:
  ///   - directory: made with mode 0700 when missing; no other service may use it at the same time.
  ///   - clock: tells time for leases and deadlines.
  ///   - reclaim: decides about holders whose request brought no handler of its own. Without one, such a lock stays
  ///     held and is shown as `held-by-unkillable`: nobody could say that its holder is gone.
  /// - Throws: `IN_USE`, `TOKENS_UNAVAILABLE`, `CORRUPT`.
  public init(
    directory: String, clock: some Clock<Duration> = ContinuousClock(),
    reclaim: @escaping LockRequest.Reclaim = { _ in
      .unkillable(reason: "its time is spent and nobody can tell whether it still works")
    }
  ) throws(LockError) {
    let file = try TokenFile(directory: directory)
    let start = try file.read()
    let bound = start + TokenFile.step
    try file.write(bound)
    self.file = file
    time = LockTime(clock)
    self.reclaim = reclaim
    state = Mutex(State(tokens: TokenRange(next: start, bound: bound)))
  }

  // MARK: LockService

  public func acquire(_ request: LockRequest) async throws(LockError) -> Lease {
    let now = time.now()
    let nowMs = LockTime.wallMs()
    var ticket: UInt64 = 0
    var isClosed = false
    var needsTokens = false
    // The common case first: a free lock, granted without suspending.
    let first = state.withLock { state -> LockTable.Effect? in
      if state.isClosed {
        isClosed = true
        return nil
      }
      state.nextTicket += 1
      ticket = state.nextTicket
      let effect = state.table.request(request, ticket: ticket, now: now, nowMs: nowMs, tokens: &state.tokens)
      needsTokens = Self.startReserving(&state, now, isUrgent: true)
      startTicking(&state)
      return effect
    }
    if isClosed { throw Self.closed }
    if needsTokens { reserveTokens() }
    switch first {
    case .granted(_, let lease): return lease
    case .failed(_, let error): throw error
    case .reclaim, nil: return try await wait(ticket, request.name).get()
    }
  }

  public func renew(_ lease: Lease) async throws(LockError) {
    let now = time.now()
    try state.withLock { (state) throws(LockError) in try state.table.renew(lease, now: now) }
  }

  public func release(_ lease: Lease) async {
    perform { state, now, nowMs in
      state.table.release(lease, now: now, nowMs: nowMs, tokens: &state.tokens) ?? []
    }
  }

  public func confirmDead(_ lease: Lease) async {
    await release(lease)
  }

  public func list() async -> [LockStatus] {
    let now = time.now()
    return state.withLock { $0.table.list(now: now) }
  }

  /// Ends the service: waiters fail with `CLOSED`, leases are forgotten. Their holders must be dead already.
  public func close() {
    perform { state, _, _ in
      state.isClosed = true
      return state.table.close(Self.closed)
    }
    file.unlock()
  }

  static let closed = LockError(.closed, "the lock service is closed: the daemon is shutting down")

  // MARK: Tokens

  /// Whether the caller must reserve tokens now; at most one does at a time.
  ///
  /// - Parameter isUrgent: somebody asked who cannot be served without: tried even right after a failure.
  private static func startReserving(_ state: inout State, _ now: Duration, isUrgent: Bool) -> Bool {
    guard !state.isReserving, state.tokens.remaining < TokenFile.step / 2 else { return false }
    guard now >= state.reserveNotBefore || (isUrgent && state.tokens.remaining == 0) else { return false }
    state.isReserving = true
    return true
  }

  private func reserveTokens() {
    disk.async { [self] in
      let bound = state.withLock { $0.tokens.bound } + TokenFile.step
      let failure: LockError?
      do throws(LockError) {
        try file.write(bound)
        failure = nil
      } catch {
        failure = error
      }
      perform { state, now, nowMs in
        state.isReserving = false
        guard let failure else {
          state.tokens.extend(to: bound)
          return state.table.serveAll(now: now, nowMs: nowMs, tokens: &state.tokens)
        }
        state.reserveNotBefore = now + .seconds(1)
        return state.tokens.remaining == 0 ? state.table.failUnserved(failure) : []
      }
    }
  }

  // MARK: Effects

  /// Takes one step under the mutex, then resumes and starts outside of it whatever the step asks for.
  func perform(_ step: @Sendable (inout State, Duration, Int64) -> [LockTable.Effect]) {
    performReturning { (step(&$0, $1, $2), ()) }
  }

  func performReturning<Value: Sendable>(
    _ step: @Sendable (inout State, Duration, Int64) -> ([LockTable.Effect], Value)
  ) -> Value {
    let now = time.now()
    let nowMs = LockTime.wallMs()
    var resumes: [(CheckedContinuation<Outcome, Never>, Outcome)] = []
    var reclaims: [(Lease, LockRequest.Reclaim?)] = []
    var needsTokens = false
    let value = state.withLock { state -> Value in
      func settle(_ ticket: UInt64, _ outcome: Outcome, _ state: inout State) {
        if let continuation = state.parked.removeValue(forKey: ticket) {
          resumes.append((continuation, outcome))
        } else {
          state.early[ticket] = outcome
        }
      }
      let (effects, value) = step(&state, now, nowMs)
      for effect in effects {
        switch effect {
        case .granted(let ticket, let lease): settle(ticket, .success(lease), &state)
        case .failed(let ticket, let error): settle(ticket, .failure(error), &state)
        case .reclaim(let lease, let handler): reclaims.append((lease, handler))
        }
      }
      needsTokens = Self.startReserving(&state, now, isUrgent: false)
      return value
    }
    for (continuation, outcome) in resumes { continuation.resume(returning: outcome) }
    for (lease, handler) in reclaims { takeBack(lease, handler ?? reclaim) }
    if needsTokens { reserveTokens() }
    return value
  }

  private func takeBack(_ lease: Lease, _ handler: @escaping LockRequest.Reclaim) {
    Task {
      let fate = await handler(lease)
      perform { state, now, nowMs in
        state.table.settle(lease, fate, now: now, nowMs: nowMs, tokens: &state.tokens)
      }
    }
  }
}
