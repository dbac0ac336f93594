// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The host's requests in flight to one child: what its own requests may name as their parent.
final class ParentCalls: Sendable {
  struct Call: Sendable {
    var method: String
    var storeid: String?
    var deadline: ContinuousClock.Instant
    /// Its stream, when it has one.
    var stream: HostStream?
    /// Whether a host service kept something for the time of this call (a lock).
    var holdsSomething = false
  }

  private let calls = Mutex<[Int64: Call]>([:])

  func begin(_ id: Int64, _ call: Call) { calls.withLock { $0[id] = call } }

  /// Ends a call and tells whether something must be given back for it.
  func end(_ id: Int64) -> Bool { calls.withLock { $0.removeValue(forKey: id)?.holdsSomething ?? false } }

  subscript(id: Int64) -> Call? { calls.withLock { $0[id] } }

  /// Notes that the call must be told of when it ends; false when it has ended already.
  func keep(_ id: Int64) -> Bool {
    calls.withLock { calls in
      guard calls[id] != nil else { return false }
      calls[id]?.holdsSomething = true
      return true
    }
  }
}
