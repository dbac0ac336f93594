// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Tasks of the host itself; all of them end before it is closed.
final class BackgroundTasks: Sendable {
  private struct State {
    var tasks: [Int: Task<Void, Never>] = [:]
    var next = 0
    var isOpen = true
  }
  private let state = Mutex(State())

  func start(_ body: @escaping @Sendable () async -> Void) {
    let number = state.withLock { state -> Int? in
      guard state.isOpen else { return nil }
      state.next += 1
      return state.next
    }
    guard let number else { return }
    let task = Task {
      await body()
      self.state.withLock { _ = $0.tasks.removeValue(forKey: number) }
    }
    // A body that ended before this line has removed nothing yet: its finished task stays until the close, harmless.
    state.withLock { $0.tasks[number] = task }
  }

  /// Takes no new tasks.
  func close() { state.withLock { $0.isOpen = false } }

  /// Cancels what runs and waits for its end.
  func drain() async {
    close()
    let tasks = state.withLock { Array($0.tasks.values) }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }
}
