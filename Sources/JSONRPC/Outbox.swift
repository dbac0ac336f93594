// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import Synchronization

/// The bounded queue of bytes to the other side, written without ever waiting.
///
/// Whoever sends first writes at once, outside the lock; who comes while a write is under way leaves the bytes to the
/// writer. What the pipe does not take stays with the I/O thread until the pipe is writable. The order on the wire is
/// the order of the calls. The descriptor is closed by whoever has the writing role last, so it is never written to
/// after its close.
final class Outbox: Sendable {
  enum Sent: Sendable {
    /// Written, or in the queue.
    case accepted
    case overloaded
    case closed
  }

  /// Bytes a writer still has to write.
  private struct Batch {
    var bytes: [UInt8]
    var written = 0
    var left: Int { bytes.count - written }
  }

  /// Who writes.
  private enum Role {
    case nobody
    /// A thread inside ``pump(_:)``.
    case thread
    /// The I/O thread, once the pipe takes more.
    case waiting(Batch, Reactor.Registration?)
    /// The descriptor is closed.
    case ended
  }

  private struct State {
    var role = Role.nobody
    var queue: [UInt8] = []
    /// Bytes accepted and not yet written.
    var pending = 0
    var isClosing = false
    /// Whether the queue is still to be written before the close.
    var flushes = false
    /// A buffer for the next message.
    var spare: [UInt8] = []
    var onBroken: @Sendable (Int32) -> Void = { _ in }
    var onRoom: @Sendable () -> Void = {}
  }

  /// After so many batches a sender leaves the rest to the I/O thread: it has work of its own.
  private static let batchesPerSender = 16
  /// A spare buffer over this size is given back.
  private static let spareLimit = 256 << 10

  private let descriptor: Int32
  private let reactor: Reactor
  private let limit: Int
  private let state = Mutex(State())
  private let wasFull = Atomic<Bool>(false)

  /// Takes over the descriptor, which must be non-blocking.
  init(descriptor: Int32, reactor: Reactor, limit: Int) {
    self.descriptor = descriptor
    self.reactor = reactor
    self.limit = limit
  }

  /// Sets who is told; before the first send.
  ///
  /// - Parameters:
  ///   - onBroken: a write failed with that errno; nothing is written after it.
  ///   - onRoom: the queue fell below half its limit after having been over it.
  func connect(onBroken: @escaping @Sendable (Int32) -> Void, onRoom: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.onBroken = onBroken
      state.onRoom = onRoom
    }
  }

  /// Whether more is waiting than the limit allows.
  var isFull: Bool { wasFull.load(ordering: .relaxed) }

  /// An empty buffer to write a message into; hand it to ``send(_:isBounded:)``.
  func buffer() -> [UInt8] {
    state.withLock { state in
      var buffer: [UInt8] = []
      swap(&buffer, &state.spare)
      return buffer
    }
  }

  /// Sends the bytes, one message, and leaves the buffer empty (its storage is used again for later messages).
  ///
  /// - Parameter isBounded: refuse when the queue would exceed its limit; answers are not bounded, because who reads no
  ///   answers is not read from either.
  func send(_ bytes: inout [UInt8], isBounded: Bool) -> Sent {
    let (sent, writes) = state.withLock { state -> (Sent, Bool) in
      if state.isClosing { return (.closed, false) }
      if isBounded, state.pending > 0, state.pending + bytes.count > limit { return (.overloaded, false) }
      state.pending += bytes.count
      if state.pending > limit { wasFull.store(true, ordering: .relaxed) }
      if case .nobody = state.role {
        state.role = .thread
        return (.accepted, true)
      }
      state.queue.append(contentsOf: bytes)
      return (.accepted, false)
    }
    if writes {
      var batch = Batch(bytes: [])
      swap(&batch.bytes, &bytes)
      pump(&batch)
    }
    return sent
  }

  /// Closes the descriptor: at once, or once everything accepted so far has been written. Nothing is accepted any more.
  func close(flushing: Bool) {
    enum Closing { case now, onThread(Reactor.Registration?), byWriter }
    let closing = state.withLock { state -> Closing in
      state.flushes = flushing && (state.flushes || !state.isClosing)
      state.isClosing = true
      switch state.role {
      case .nobody:
        state.role = .ended
        return .now
      case .waiting(_, let registration) where !flushing:
        state.role = .ended
        state.queue = []
        return .onThread(registration)
      default: return .byWriter
      }
    }
    let descriptor = descriptor
    switch closing {
    case .now: Glibc.close(descriptor)
    case .onThread(let registration):
      // The I/O thread may be about to register the descriptor: only there is it certain that it is not.
      if let registration { reactor.deregister(registration) }
      reactor.execute { Glibc.close(descriptor) }
    case .byWriter: break
    }
  }

  // MARK: Writing; the caller has the role of `.thread`

  private func pump(_ batch: inout Batch) {
    for _ in 0..<Self.batchesPerSender {
      while batch.left > 0 {
        let count = batch.bytes.withUnsafeBytes { bytes in
          berth_write(descriptor, bytes.baseAddress.map { $0 + batch.written }, batch.left)
        }
        if count == -Int(EAGAIN) { return wait(with: batch) }
        guard count > 0 else { return abandon(errno: Int32(-count)) }
        batch.written += count
      }
      guard finish(&batch) else { return }
    }
    wait(with: batch)
  }

  /// The batch is written: gives up the role (false), or takes up what has come meanwhile.
  private func finish(_ batch: inout Batch) -> Bool {
    enum Next { case more, done, close }
    let (next, onRoom) = state.withLock { state -> (Next, (@Sendable () -> Void)?) in
      state.pending -= batch.bytes.count
      var onRoom: (@Sendable () -> Void)?
      if state.pending <= limit / 2, wasFull.load(ordering: .relaxed) {
        wasFull.store(false, ordering: .relaxed)
        onRoom = state.onRoom
      }
      batch.bytes.removeAll(keepingCapacity: batch.bytes.capacity <= Self.spareLimit)
      batch.written = 0
      if state.isClosing, !state.flushes { state.queue = [] }
      if !state.queue.isEmpty {
        swap(&batch.bytes, &state.queue)
        return (.more, onRoom)
      }
      if state.spare.capacity < batch.bytes.capacity { swap(&state.spare, &batch.bytes) }
      guard state.isClosing else {
        state.role = .nobody
        return (.done, onRoom)
      }
      state.role = .ended
      return (.close, onRoom)
    }
    if case .close = next { Glibc.close(descriptor) }
    onRoom?()
    if case .more = next { return true }
    return false
  }

  /// Leaves the batch to the I/O thread until the pipe takes more.
  private func wait(with batch: Batch) {
    let dropped = state.withLock { state in
      let drops = state.isClosing && !state.flushes
      state.role = drops ? .ended : .waiting(batch, nil)
      return drops
    }
    guard !dropped else {
      Glibc.close(descriptor)
      return
    }
    reactor.execute { [self] in watch() }
  }

  /// On the I/O thread: registers for writability, unless the close came first.
  private func watch() {
    let isClosed = state.withLock { state in
      if case .waiting = state.role { false } else { true }
    }
    // A close that found no registration has closed the descriptor itself.
    guard !isClosed else { return }
    do {
      let registration = try reactor.register(descriptor, for: .writable) { [self] registration, events in
        resume(registration, events)
      }
      let wasClosed = state.withLock { state in
        guard case .waiting(let batch, _) = state.role else { return true }
        state.role = .waiting(batch, registration)
        return false
      }
      if wasClosed { reactor.deregister(registration) }
    } catch {
      resume(nil, .hangup)
    }
  }

  /// On the I/O thread: takes the role back.
  private func resume(_ registration: Reactor.Registration?, _ events: Reactor.Events) {
    if let registration { reactor.deregister(registration) }
    let batch = state.withLock { state -> Batch? in
      guard case .waiting(let batch, _) = state.role else { return nil }
      state.role = .thread
      return batch
    }
    guard var batch else { return }
    if registration == nil || events.contains(.shutdown) { return abandon(errno: ECANCELED) }
    pump(&batch)
  }

  /// The pipe is broken: nothing more can be written.
  private func abandon(errno: Int32) {
    let onBroken = state.withLock { state in
      state.role = .ended
      state.queue = []
      defer { state.isClosing = true }
      return state.isClosing ? nil : state.onBroken
    }
    Glibc.close(descriptor)
    onBroken?(errno)
  }
}
