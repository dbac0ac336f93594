// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// One at a time for each storage, in the order of asking: two equal requests must not both make a mount.
actor Turns {
  private var busy: Set<String> = []
  private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

  func take(_ key: String) async {
    if busy.insert(key).inserted { return }
    await withCheckedContinuation { waiting[key, default: []].append($0) }
  }

  func give(_ key: String) {
    guard var queue = waiting[key], !queue.isEmpty else {
      busy.remove(key)
      waiting[key] = nil
      return
    }
    let next = queue.removeFirst()
    waiting[key] = queue.isEmpty ? nil : queue
    next.resume()
  }
}
