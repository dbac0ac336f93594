// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Counts the operations that use one process, so that another version takes its place between them.
final class ProcessUses: Sendable {
  /// One operation's hold; it ends with its last reference.
  final class Use: Sendable {
    private let uses: ProcessUses
    private let ticket: UInt64

    fileprivate init(_ uses: ProcessUses, _ ticket: UInt64) {
      self.uses = uses
      self.ticket = ticket
    }

    deinit { uses.leave(ticket) }
  }

  private struct State {
    /// When each use began.
    var running: [UInt64: ContinuousClock.Instant] = [:]
    var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
    var next: UInt64 = 1

    mutating func ticket() -> UInt64 {
      defer { next += 1 }
      return next
    }
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.running.count } }

  func enter() -> Use {
    let ticket = state.withLock { state in
      let ticket = state.ticket()
      state.running[ticket] = .now
      return ticket
    }
    return Use(self, ticket)
  }

  /// Waits until nobody uses the process.
  /// - Parameter patience: how old the oldest use may become meanwhile; nil: any age.
  /// - Returns: false when an operation takes longer than that.
  func drained(patience: Duration?) async -> Bool {
    let ticket = state.withLock { $0.ticket() }
    let oldest = state.withLock { $0.running.values.min() }
    guard let oldest else { return true }
    if let patience, oldest + patience <= .now { return false }
    let timer = patience.map { patience in
      Task { [weak self] in
        try? await Task.sleep(until: oldest + patience, clock: .continuous)
        if !Task.isCancelled { self?.withdraw(ticket) }
      }
    }
    defer { timer?.cancel() }
    return await withCheckedContinuation { continuation in
      let answer: Bool? = state.withLock { state in
        if state.running.isEmpty { return true }
        if let patience, oldest + patience <= .now { return false }
        state.waiting[ticket] = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  private func withdraw(_ ticket: UInt64) {
    state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(returning: false)
  }

  private func leave(_ ticket: UInt64) {
    let waiting = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
      state.running[ticket] = nil
      guard state.running.isEmpty else { return [] }
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for continuation in waiting { continuation.resume(returning: true) }
  }
}
