// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Synchronization

/// Results of mutating calls by idempotency key, for as long as the session lasts.
final class ReplayTable: Sendable {
  enum Admission: Sendable, Hashable {
    case new
    case running
    case conflict
    case answered(JSON)
  }

  private struct Entry {
    var method: String
    var params: JSON
    var result: JSON?
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var finished: [String] = []
  }

  /// Finished calls remembered.
  static let capacity = 1024

  private let state = Mutex(State())

  func begin(_ key: String, method: String, params: JSON) -> Admission {
    state.withLock { state in
      guard let entry = state.entries[key] else {
        state.entries[key] = Entry(method: method, params: params)
        return .new
      }
      guard entry.method == method, entry.params == params else { return .conflict }
      return entry.result.map(Admission.answered) ?? .running
    }
  }

  func finish(_ key: String, _ result: JSON) {
    state.withLock { state in
      state.entries[key]?.result = result
      state.finished.append(key)
      if state.finished.count > Self.capacity { state.entries[state.finished.removeFirst()] = nil }
    }
  }

  /// The call failed: the same key may try again.
  func forget(_ key: String) { state.withLock { $0.entries[key] = nil } }
}
