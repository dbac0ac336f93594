// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Parts of a stream on their way from the export to its response: a few at a time, in order.
///
/// Whoever waits on either side wakes when its task is cancelled: a reader that stands still keeps no job alive.
actor PartQueue {
  /// Parts that may wait; the sender waits when there are more.
  static let capacity = 4

  private var parts: [ByteBuffer] = []
  private var end: Result<Void, any Error>?
  private var waiters: [CheckedContinuation<Void, Never>] = []

  /// Hands a part on; waits while the receiver is behind.
  /// - Throws: `CancellationError` when the task is cancelled, or the stream has ended.
  func send(_ part: ByteBuffer) async throws {
    while parts.count >= Self.capacity, end == nil { try await wait() }
    try Task.checkCancellation()
    guard end == nil else { throw CancellationError() }
    parts.append(part)
    wake()
  }

  /// The next part; nil at the end.
  /// - Throws: what the sender failed with, after the parts before it.
  func next() async throws -> ByteBuffer? {
    while parts.isEmpty, end == nil { try await wait() }
    guard parts.isEmpty else {
      defer { wake() }
      return parts.removeFirst()
    }
    try end?.get()
    return nil
  }

  /// No more parts come.
  func finish(_ result: Result<Void, any Error>) {
    if end == nil { end = result }
    wake()
  }

  private func wait() async throws {
    try Task.checkCancellation()
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiters.append($0) }
    } onCancel: {
      Task { await self.wake() }
    }
    try Task.checkCancellation()
  }

  private func wake() {
    for waiter in waiters { waiter.resume() }
    waiters = []
  }
}
