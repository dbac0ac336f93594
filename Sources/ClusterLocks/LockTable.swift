// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Who holds and who waits: the state of the embedded lock service, without threads, clocks or files.
///
/// Every method is one atomic step; the caller guards the table with a mutex and resumes tasks outside of it.
/// Times are durations since the service's start.
struct LockTable: Sendable {
  /// What a caller must do after a step.
  enum Effect: Sendable {
    case granted(ticket: UInt64, Lease)
    case failed(ticket: UInt64, LockError)
    /// A holder's time is spent: find out its fate, then call ``settle(_:_:now:tokens:)``.
    case reclaim(Lease, LockRequest.Reclaim?)
  }

  private struct Holder: Sendable {
    var lease: Lease
    var request: LockRequest
    var sinceMs: Int64
    var granted: Duration
    var expires: Duration
    var state: LockStatus.State
  }

  private struct Waiter: Sendable {
    var ticket: UInt64
    var request: LockRequest
    var joined: Duration
    var sinceMs: Int64

    var deadline: Duration { joined + request.timeout }
  }

  private struct Entry: Sendable {
    var holder: Holder?
    var queue = Queue<Waiter>()
  }

  private var entries: [LockName: Entry] = [:]

  var isEmpty: Bool { entries.isEmpty }

  // MARK: Steps

  /// Grants a free lock, or queues the ticket; with a timeout of zero and a held lock, fails.
  mutating func request(
    _ request: LockRequest, ticket: UInt64, now: Duration, nowMs: Int64, tokens: inout TokenRange
  ) -> Effect? {
    let name = request.name
    if entries[name] == nil, let token = tokens.take() {
      let lease = Lease(name: name, token: token, ttl: request.ttl)
      entries[name] = Entry(holder: holder(lease, request, now: now, nowMs: nowMs))
      return .granted(ticket: ticket, lease)
    }
    if request.timeout <= .zero, let blocker = entries[name] {
      return .failed(ticket: ticket, timeout(request, blocker, waited: .zero))
    }
    entries[name, default: Entry()].queue.append(Waiter(ticket: ticket, request: request, joined: now, sinceMs: nowMs))
    return nil
  }

  /// Frees a lock and grants it to the next in the queue. `nil` when the lease was not held.
  mutating func release(_ lease: Lease, now: Duration, nowMs: Int64, tokens: inout TokenRange) -> [Effect]? {
    guard entries[lease.name]?.holder?.lease.token == lease.token else { return nil }
    entries[lease.name]?.holder = nil
    return serve(lease.name, now: now, nowMs: nowMs, tokens: &tokens)
  }

  /// Starts a lease's time anew.
  mutating func renew(_ lease: Lease, now: Duration) throws(LockError) {
    guard var holder = entries[lease.name]?.holder, holder.lease.token == lease.token else {
      throw LockError(.lost, "the lock \(lease.name) with token \(lease.token) is not held any more")
    }
    guard holder.state == .held else {
      throw LockError(.lost, "the time for the lock \(lease.name) with token \(lease.token) is spent")
    }
    holder.expires = now + lease.ttl
    entries[lease.name]?.holder = holder
  }

  /// Takes a waiter out of the queue.
  mutating func cancel(ticket: UInt64, name: LockName) -> Effect? {
    guard entries[name]?.queue.remove(where: { $0.ticket == ticket }) != nil else { return nil }
    dropIfIdle(name)
    return .failed(ticket: ticket, LockError(.cancelled, "waiting for the lock \(name) was cancelled"))
  }

  /// Fails waiters whose deadline has passed and starts to take back leases whose time is spent.
  mutating func tick(now: Duration) -> [Effect] {
    var effects: [Effect] = []
    for name in Array(entries.keys) {
      guard var entry = entries[name] else { continue }
      if let holder = entry.holder, holder.state == .held, holder.expires <= now {
        entry.holder?.state = .reclaiming
        effects.append(.reclaim(holder.lease, holder.request.reclaim))
      }
      let blocker = entry
      while let late = entry.queue.remove(where: { $0.deadline <= now }) {
        effects.append(.failed(ticket: late.ticket, timeout(late.request, blocker, waited: now - late.joined)))
      }
      entries[name] = entry
      dropIfIdle(name)
    }
    return effects
  }

  /// Acts on what became of a holder whose time was spent.
  mutating func settle(
    _ lease: Lease, _ fate: HolderFate, now: Duration, nowMs: Int64, tokens: inout TokenRange
  ) -> [Effect] {
    guard let holder = entries[lease.name]?.holder, holder.lease.token == lease.token else { return [] }
    switch fate {
    case .verifiedDead:
      return release(lease, now: now, nowMs: nowMs, tokens: &tokens) ?? []
    case .extended(let time):
      entries[lease.name]?.holder?.state = .held
      entries[lease.name]?.holder?.expires = now + time
    case .unkillable(let reason):
      entries[lease.name]?.holder?.state = .heldByUnkillable(reason: reason)
    }
    return []
  }

  /// Grants free locks that someone waits for: called when tokens have become available.
  mutating func serveAll(now: Duration, nowMs: Int64, tokens: inout TokenRange) -> [Effect] {
    var effects: [Effect] = []
    for name in Array(entries.keys) { effects += serve(name, now: now, nowMs: nowMs, tokens: &tokens) }
    return effects
  }

  /// Fails whoever waits for a lock nobody holds: called when tokens cannot be made available.
  mutating func failUnserved(_ error: LockError) -> [Effect] {
    var effects: [Effect] = []
    for (name, entry) in entries where entry.holder == nil {
      effects += entry.queue.map { .failed(ticket: $0.ticket, error) }
      entries[name] = nil
    }
    return effects
  }

  /// Fails every waiter and forgets every holder.
  mutating func close(_ error: LockError) -> [Effect] {
    defer { entries = [:] }
    return entries.values.flatMap { $0.queue.map { .failed(ticket: $0.ticket, error) } }
  }

  /// What stands in the table, in the order of names.
  func list(now: Duration) -> [LockStatus] {
    entries.sorted { $0.key < $1.key }.map { name, entry in
      LockStatus(
        name: name,
        holder: entry.holder.map {
          LockStatus.Holder(
            owner: $0.request.owner, operation: $0.request.operation, token: $0.lease.token, sinceMs: $0.sinceMs,
            held: now - $0.granted, ttl: $0.lease.ttl, remaining: $0.expires - now, state: $0.state)
        },
        waiters: entry.queue.map {
          LockStatus.Waiter(
            owner: $0.request.owner, operation: $0.request.operation, sinceMs: $0.sinceMs, remaining: $0.deadline - now)
        })
    }
  }

  // MARK: Details

  private mutating func serve(_ name: LockName, now: Duration, nowMs: Int64, tokens: inout TokenRange) -> [Effect] {
    guard entries[name]?.holder == nil else { return [] }
    guard entries[name]?.queue.isEmpty == false else {
      entries[name] = nil
      return []
    }
    guard let token = tokens.take(), let next = entries[name]?.queue.popFirst() else { return [] }
    let lease = Lease(name: name, token: token, ttl: next.request.ttl)
    let granted = holder(lease, next.request, now: now, nowMs: nowMs)
    entries[name]?.holder = granted
    return [.granted(ticket: next.ticket, lease)]
  }

  private func holder(_ lease: Lease, _ request: LockRequest, now: Duration, nowMs: Int64) -> Holder {
    Holder(lease: lease, request: request, sinceMs: nowMs, granted: now, expires: now + request.ttl, state: .held)
  }

  private mutating func dropIfIdle(_ name: LockName) {
    if let entry = entries[name], entry.holder == nil, entry.queue.isEmpty { entries[name] = nil }
  }

  private func timeout(_ request: LockRequest, _ entry: Entry, waited: Duration) -> LockError {
    let who =
      entry.holder.map { "held by \($0.request.owner) for \($0.request.operation) (\($0.state.name))" }
      ?? "waiting for a fencing token to become durable"
    let queue = entry.queue.count > 1 ? ", \(entry.queue.count) waiting" : ""
    return LockError(
      .timeout,
      "the lock \(request.name) was not free within \(request.timeout) for \(request.operation): \(who)\(queue)")
  }
}
