// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol

/// Carries chunks from one storage's export to another's import: at most a few at a time, in order.
///
/// The receiver sees the end only after the sender was found to have sent everything.
actor CopyChannel {
  /// Chunks that may wait; the sender waits when there are more.
  static let capacity = 4

  private var chunks: [[UInt8]] = []
  private var isFinished = false
  private var isAbandoned = false
  private var failure: StorageError?
  private var sender: CheckedContinuation<Void, Never>?
  private var receiver: CheckedContinuation<Void, Never>?

  struct Abandoned: Error, CustomStringConvertible {
    var description: String { "the receiving storage stopped" }
  }

  /// Hands a chunk on; waits while the receiver is behind.
  func send(_ chunk: [UInt8]) async throws {
    while chunks.count >= Self.capacity, !isAbandoned {
      await withCheckedContinuation { sender = $0 }
    }
    guard !isAbandoned else { throw Abandoned() }
    chunks.append(chunk)
    wakeReceiver()
  }

  /// The next chunk; nil at the end.
  func next() async throws -> [UInt8]? {
    while chunks.isEmpty, !isFinished, !isAbandoned {
      await withCheckedContinuation { receiver = $0 }
    }
    if !chunks.isEmpty {
      let chunk = chunks.removeFirst()
      wakeSender()
      return chunk
    }
    if let failure { throw failure }
    guard isFinished else { throw Abandoned() }
    return nil
  }

  /// Everything was sent and found complete, or the sender failed.
  func finish(failing error: StorageError? = nil) {
    isFinished = true
    failure = error
    wakeReceiver()
  }

  /// The receiver takes no more.
  /// - Returns: whether the sender was still at work: then whatever ended the receiver was not the sender's doing.
  @discardableResult
  func abandon() -> Bool {
    let wasSending = !isFinished
    isAbandoned = true
    chunks = []
    wakeSender()
    wakeReceiver()
    return wasSending
  }

  private func wakeSender() {
    sender?.resume()
    sender = nil
  }

  private func wakeReceiver() {
    receiver?.resume()
    receiver = nil
  }
}
