// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A short bounded queue of byte chunks between a relay thread and a task; each side waits in its own way.
///
/// One producer and one consumer: a thread at one end (it polls the wake), a task at the other (it suspends).
final class ChunkQueue: Sendable {
  enum Popped {
    case chunk([UInt8])
    case empty
    case finished
    /// The producer failed, with this text.
    case failed(String)
  }

  private enum End {
    case finished
    case failed(String)
    /// The consumer wants no more.
    case abandoned
  }

  private struct State {
    var chunks: [[UInt8]] = []
    var end: End?
    var waiter: CheckedContinuation<Void, Never>?
  }

  static let capacity = 4

  private let state = Mutex(State())
  private let wake: Wake

  init(wake: Wake) { self.wake = wake }

  // MARK: The thread's side

  /// Whether a chunk would be taken now.
  var hasRoom: Bool { state.withLock { $0.chunks.count < Self.capacity } }

  /// Whether the consumer has gone.
  var isAbandoned: Bool {
    state.withLock { if case .abandoned = $0.end { true } else { false } }
  }

  /// Adds a chunk; only after `hasRoom`.
  func put(_ chunk: [UInt8]) {
    changeFromThread { $0.chunks.append(chunk) }
  }

  func take() -> Popped {
    var popped = Popped.empty
    changeFromThread { popped = Self.pop(&$0) }
    return popped
  }

  /// The thread adds nothing more (`failure` nil) or takes nothing more.
  func closeFromThread(failure: String? = nil) {
    changeFromThread { state in
      if state.end == nil { state.end = failure.map(End.failed) ?? .finished }
    }
  }

  func abandonFromThread() {
    changeFromThread { state in
      state.chunks.removeAll()
      state.end = .abandoned
    }
  }

  // MARK: The task's side

  /// The next chunk, or nil at the end.
  ///
  /// - Throws: when the thread failed.
  func next() async -> Popped {
    while true {
      let popped = changeFromTask { Self.pop(&$0) }
      guard case .empty = popped else { return popped }
      await change { !$0.chunks.isEmpty || $0.end != nil }
    }
  }

  /// Adds a chunk when there is room.
  ///
  /// - Returns: false when the thread wants no more.
  func send(_ chunk: [UInt8]) async -> Bool {
    while true {
      let sent: Bool? = changeFromTask { state in
        if state.end != nil { return false }
        guard state.chunks.count < Self.capacity else { return nil }
        state.chunks.append(chunk)
        return true
      }
      if let sent { return sent }
      await change { $0.chunks.count < Self.capacity || $0.end != nil }
    }
  }

  /// The task adds nothing more (`failure` nil) or failed.
  func closeFromTask(failure: String? = nil) {
    changeFromTask { state in
      if state.end == nil { state.end = failure.map(End.failed) ?? .finished }
    }
  }

  /// The task takes nothing more.
  func abandonFromTask() {
    changeFromTask { state in
      state.chunks.removeAll()
      state.end = .abandoned
    }
  }

  // MARK: Both

  private static func pop(_ state: inout State) -> Popped {
    if !state.chunks.isEmpty { return .chunk(state.chunks.removeFirst()) }
    switch state.end {
    case nil: return .empty
    case .finished, .abandoned: return .finished
    case .failed(let text): return .failed(text)
    }
  }

  private func changeFromThread(_ body: (inout State) -> Void) {
    let waiter = state.withLock { state in
      body(&state)
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  private func changeFromTask<Value>(_ body: (inout State) -> sending Value) -> Value {
    defer { wake.signal() }
    return state.withLock { body(&$0) }
  }

  /// Suspends until the thread changed something, unless `ready` holds already.
  private func change(_ ready: (borrowing State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let now = state.withLock { state in
        if ready(state) { return true }
        state.waiter = continuation
        return false
      }
      if now { continuation.resume() }
    }
  }
}
