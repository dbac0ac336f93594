// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes

/// What became of recent exports, so that a reader of a stream can ask once its bytes have ended.
actor TransferBoard {
  private enum Entry {
    case running
    case finished(Result<TransferView, Problem>)
  }

  private var entries: [String: Entry] = [:]
  private var order: [String] = []
  private var waiters: [String: [CheckedContinuation<Void, Never>]] = [:]
  private let limit: Int

  /// - Parameter limit: how many outcomes are kept; the oldest go first.
  init(limit: Int = 1_024) { self.limit = limit }

  /// Notes that a stream begins.
  func begin(_ id: String) {
    entries[id] = .running
    order.append(id)
    if order.count > limit, let oldest = order.firstIndex(where: isFinished) {
      entries[order.remove(at: oldest)] = nil
    }
  }

  private func isFinished(_ id: String) -> Bool {
    if case .finished = entries[id] { true } else { false }
  }

  /// Notes how it ended.
  func end(_ id: String, _ result: Result<TransferView, Problem>) {
    entries[id] = .finished(result)
    for waiter in waiters.removeValue(forKey: id) ?? [] { waiter.resume() }
  }

  /// How it ended, as soon as it has.
  func outcome(_ id: String) async throws(Problem) -> TransferView {
    if case .running = entries[id] {
      await withCheckedContinuation { waiters[id, default: []].append($0) }
    }
    guard case .finished(let result) = entries[id] else {
      throw Problem(
        status: 404, symbol: "NO_SUCH_TRANSFER", detail: "no such stream is known (any more)", place: id,
        outcome: "unknown", hint: "export again: what was received cannot be vouched for")
    }
    return try result.get()
  }
}
