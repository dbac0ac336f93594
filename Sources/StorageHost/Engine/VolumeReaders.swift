// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Long work that reads a volume nobody may change meanwhile, such as clones of one base: any number at once. Whoever
/// changes the volume waits, with its lock taken, until the last has ended; none begins while it waits.
final class VolumeReaders: Sendable {
  private struct Place: Hashable {
    var storeid: String
    var volname: String
  }

  private struct State {
    var counts: [Place: Int] = [:]
    var waiters: [Place: [Int: CheckedContinuation<Void, Never>]] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  /// Counts one more reader. Must be called with the volume's lock held.
  func begin(_ storeid: String, _ volname: String) {
    state.withLock { $0.counts[Place(storeid: storeid, volname: volname), default: 0] += 1 }
  }

  func end(_ storeid: String, _ volname: String) {
    let place = Place(storeid: storeid, volname: volname)
    let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      let left = (state.counts[place] ?? 1) - 1
      state.counts[place] = left > 0 ? left : nil
      guard left <= 0 else { return [] }
      return Array((state.waiters.removeValue(forKey: place) ?? [:]).values)
    }
    for waiter in woken { waiter.resume() }
  }

  /// How many read the volume now.
  func count(_ storeid: String, _ volname: String) -> Int {
    state.withLock { $0.counts[Place(storeid: storeid, volname: volname)] ?? 0 }
  }

  /// Waits until nobody reads the volume, for the time given, or until the caller is cancelled.
  /// - Returns: whether nobody does.
  func drained(_ storeid: String, _ volname: String, within time: Duration) async -> Bool {
    let place = Place(storeid: storeid, volname: volname)
    guard count(storeid, volname) > 0 else { return true }
    let number = state.withLock { state in
      state.next += 1
      return state.next
    }
    var timer: Task<Void, Never>?
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // Cancelled before this line, its handler found nobody to wake.
          guard state.counts[place] != nil, !Task.isCancelled else { return true }
          state.waiters[place, default: [:]][number] = continuation
          return false
        }
        if isOver { return continuation.resume() }
        timer = Task {
          try? await Task.sleep(for: time)
          self.giveUp(place, number)
        }
      }
    } onCancel: {
      giveUp(place, number)
    }
    timer?.cancel()
    return count(storeid, volname) == 0
  }

  private func giveUp(_ place: Place, _ number: Int) {
    state.withLock { $0.waiters[place]?.removeValue(forKey: number) }?.resume()
  }
}
