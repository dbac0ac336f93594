// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Synchronization

/// The requests of the other side that are worked on or wait for their turn.
final class Inbox: Sendable {
  /// What became of a request that came in.
  enum Offer: Sendable {
    /// It runs or waits.
    case taken
    /// It is not kept: too many wait.
    case full
    /// Its id was used before.
    case duplicateID
    case closed
  }

  /// What there was to cancel.
  enum Cancelled: Sendable {
    /// It had not begun; it is to be answered so.
    case waiting(IncomingRequest)
    /// Its task has been told and will answer.
    case running
    case nothing
  }

  private struct State {
    /// Requests not answered yet.
    var running: [Int64: Task<Void, Never>] = [:]
    var usedIDs = UsedIDs()
    /// Tasks at work, those that have just answered included.
    var busy = 0
    var waiting: [IncomingRequest] = []
    var waitingBytes = 0
    var isClosed = false
  }

  /// While our own calls wait for answers reading goes on past the bounds, up to so many times as much.
  private static let countAllowance = 16
  private static let bytesAllowance = 4

  private let maxRunning: Int
  private let maxWaiting: Int
  private let maxWaitingBytes: Int
  private let state = Mutex(State())
  private let full = Atomic<Bool>(false)

  init(maxRunning: Int, maxWaiting: Int, maxWaitingBytes: Int) {
    self.maxRunning = max(1, maxRunning)
    self.maxWaiting = max(1, maxWaiting)
    self.maxWaitingBytes = max(1, maxWaitingBytes)
  }

  /// Whether reading has to stop, unless answers to our own calls are to be read.
  var isFull: Bool { full.load(ordering: .sequentiallyConsistent) }

  /// To be called when what waits has changed.
  private func noteFullness(_ state: State) {
    full.store(
      state.waiting.count >= maxWaiting || state.waitingBytes >= maxWaitingBytes, ordering: .sequentiallyConsistent)
  }

  private func isHalfFull(_ state: State) -> Bool {
    2 * state.waiting.count >= maxWaiting || 2 * state.waitingBytes >= maxWaitingBytes
  }

  /// Takes a request; `run` works on one and answers it.
  func offer(_ request: IncomingRequest, _ run: @escaping @Sendable (IncomingRequest) async -> Void) -> Offer {
    state.withLock { state in
      if state.isClosed { return .closed }
      guard state.usedIDs.insert(request.id) else { return .duplicateID }
      if state.busy < maxRunning {
        start(request, run, &state)
        return .taken
      }
      let isOver =
        state.waiting.count >= Self.countAllowance * maxWaiting
        || state.waitingBytes >= Self.bytesAllowance * maxWaitingBytes
      guard !isOver else { return .full }
      state.waiting.append(request)
      state.waitingBytes += request.size
      noteFullness(state)
      return .taken
    }
  }

  /// Starts the task while holding the lock, so that it is in the table before it can end.
  private func start(
    _ request: IncomingRequest, _ run: @escaping @Sendable (IncomingRequest) async -> Void, _ state: inout State
  ) {
    state.busy += 1
    // Detached: the thread that reads may be that of a call, whose task-local values are none of this request's.
    state.running[request.id] = Task.detached { await run(request) }
  }

  /// A request is about to be answered: there is nothing to cancel any more.
  func settle(_ id: Int64) { _ = state.withLock { $0.running.removeValue(forKey: id) } }

  /// A request has been answered; begins the next. True when reading, had it stopped, may go on: what waits has just
  /// fallen to half the bound, so that a flood does not stop and start reading with every request.
  func finished(_ run: @escaping @Sendable (IncomingRequest) async -> Void) -> Bool {
    state.withLock { state in
      state.busy -= 1
      guard !state.waiting.isEmpty else { return false }
      let wasHalfFull = isHalfFull(state)
      let next = state.waiting.removeFirst()
      state.waitingBytes -= next.size
      noteFullness(state)
      start(next, run, &state)
      return wasHalfFull && !isHalfFull(state)
    }
  }

  func cancel(_ id: Int64) -> Cancelled {
    let (found, task) = state.withLock { state -> (Cancelled, Task<Void, Never>?) in
      if let task = state.running[id] { return (.running, task) }
      guard let place = state.waiting.firstIndex(where: { $0.id == id }) else { return (.nothing, nil) }
      let request = state.waiting.remove(at: place)
      state.waitingBytes -= request.size
      noteFullness(state)
      return (.waiting(request), nil)
    }
    task?.cancel()
    return found
  }

  /// Drops what waits and cancels what runs.
  func close() {
    let tasks = state.withLock { state in
      state.isClosed = true
      state.waiting = []
      state.waitingBytes = 0
      noteFullness(state)
      return Array(state.running.values)
    }
    for task in tasks { task.cancel() }
  }
}
