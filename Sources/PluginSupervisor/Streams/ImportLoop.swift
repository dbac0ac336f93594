// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc

/// The thread's work in an import: caller → FIFO → plugin.
///
/// The writing end cannot be opened before the plugin opened its own, so the host tries until it can; the source's end
/// closes the FIFO, and only the plugin's reply tells how much of it arrived.
struct ImportLoop {
  enum Input {
    case descriptor(CallerDescriptor)
    case queue(ChunkQueue)
  }

  private enum Step {
    case moved(Int)
    case again
    case end
    /// The plugin closed its end before the source ended.
    case closed
    case failed(StreamFailure)
  }

  static let chunk = 256 << 10
  static let spliceChunk = 1 << 20

  let fifo: StreamFIFO
  let input: Input
  let options: StreamOptions
  let control: RelayControl
  private var writer: Descriptor?
  private var hasher: StreamHasher?
  private var rate: ByteRate?
  private var moved: Int64 = 0
  private var canSplice = true
  /// The source has ended, or the plugin closed its end: nothing more will be sent.
  private var isOver = false
  private var closedEarly = false
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ImportLoop.chunk, alignment: 4096)
  private var held = 0..<0
  /// The chunk of a producer that is being written.
  private var pending: [UInt8] = []

  init(fifo: StreamFIFO, input: Input, options: StreamOptions, control: RelayControl) {
    self.fifo = fifo
    self.input = input
    self.options = options
    self.control = control
    hasher = options.digest.map(StreamHasher.init)
    rate = options.bytesPerSecond.map { ByteRate(perSecond: $0) }
  }

  mutating func run() -> Result<StreamReport, StreamFailure> {
    defer { buffer.deallocate() }
    var lastMove = ContinuousClock.now
    var claim: StreamClaim?
    while true {
      switch control.order {
      case .run: break
      case .stop: return .failure(StreamFailure(.cancelled, "the import was cancelled", bytes: moved))
      case .settle(let reported):
        if isOver { return finish(reported) }
        // The plugin may know the end from the data itself: then the source must end here too, without another byte.
        if moved != reported.bytes || writer == nil { return .failure(early(reported)) }
        if claim == nil {
          claim = reported
          canSplice = false
          lastMove = .now
        }
      }
      if isOver {
        // Everything is sent; the call's own deadline bounds the wait for its reply.
        _ = Readiness.wait(-1, 0, wake: control.wake, milliseconds: -1)
        continue
      }
      if writer == nil {
        switch open() {
        case .failure(let failure): return .failure(failure)
        case .success(true): lastMove = .now
        case .success(false):
          lastMove = control.life.latest(since: lastMove)
          if lastMove.duration(to: .now) > options.stallLimit {
            return .failure(StreamFailure(.stalled, "the plugin never opened its stream", bytes: 0))
          }
          _ = Readiness.wait(-1, 0, wake: control.wake, milliseconds: openPause(since: lastMove))
        }
        continue
      }
      if let pause = rate.map({ $0.pause }), rate?.allowance() == 0 {
        _ = Readiness.wait(-1, 0, wake: control.wake, milliseconds: pause)
        continue
      }
      switch step() {
      case .moved(let count):
        moved += Int64(count)
        rate?.spent(count)
        options.progress?.moved(moved)
        lastMove = .now
      case .again:
        if claim == nil, pluginIsFull { lastMove = control.life.latest(since: lastMove) }
        let left = (claim == nil ? options.stallLimit : options.settleLimit) - lastMove.duration(to: .now)
        if left <= .zero { return .failure(claim.map(early) ?? stalled()) }
        wait(left)
      case .end:
        isOver = true
        writer = nil
      case .closed:
        isOver = true
        closedEarly = true
        writer = nil
      case .failed(let failure): return .failure(failure)
      }
    }
  }

  // MARK: Opening

  private mutating func open() -> Result<Bool, StreamFailure> {
    if let opened = fifo.open(O_WRONLY) {
      _ = berth_pipe_set_size(opened.raw, Int32(Self.spliceChunk))
      writer = opened
      return .success(true)
    }
    if errno == ENXIO || errno == EINTR { return .success(false) }
    return .failure(StreamFailure(.setup, "cannot open the stream to the plugin: \(errnoText(errno))"))
  }

  /// Short pauses at first, longer ones for a plugin that prepares its target before it opens the stream.
  private func openPause(since start: ContinuousClock.Instant) -> Int32 {
    let waited = start.duration(to: .now) / .milliseconds(1)
    return waited < 20 ? 1 : waited < 1000 ? 5 : 50
  }

  // MARK: Moving

  private mutating func step() -> Step {
    guard let writer else { return .again }
    let allowance = max(1, rate.map(\.remaining) ?? Self.spliceChunk)
    switch input {
    case .descriptor(let descriptor):
      if hasher == nil, canSplice, held.isEmpty {
        return splice(from: descriptor, to: writer, at: min(allowance, Self.spliceChunk))
      }
      return copy(from: descriptor, to: writer, at: min(allowance, Self.chunk))
    case .queue(let queue): return take(from: queue, to: writer, at: min(allowance, Self.spliceChunk))
    }
  }

  private mutating func splice(from descriptor: CallerDescriptor, to writer: Descriptor, at most: Int) -> Step {
    let count = berth_splice(descriptor.raw, writer.raw, most, 1)
    if count > 0 { return .moved(count) }
    if count == 0 { return .end }
    switch Int32(-count) {
    case EAGAIN, EINTR: return .again
    case EINVAL, EPIPE:
      // No splice from this source, or the plugin closed its end: reading tells whether the source ended there too.
      canSplice = false
      return copy(from: descriptor, to: writer, at: min(most, Self.chunk))
    case let number: return .failed(callerFailed(number))
    }
  }

  private mutating func copy(from descriptor: CallerDescriptor, to writer: Descriptor, at most: Int) -> Step {
    if held.isEmpty {
      let count = descriptor.read(UnsafeMutableRawBufferPointer(rebasing: buffer[0..<min(most, buffer.count)]))
      if count == 0 { return .end }
      if count < 0 {
        let number = Int32(-count)
        return number == EAGAIN || number == EINTR ? .again : .failed(callerFailed(number))
      }
      held = 0..<count
    }
    let count = write(to: writer, UnsafeRawBufferPointer(rebasing: buffer[held]))
    if case .moved(let count) = count {
      let sent = UnsafeRawBufferPointer(rebasing: buffer[held.lowerBound..<held.lowerBound + count])
      hasher?.update(sent)
      held = held.lowerBound + count..<held.upperBound
    }
    return count
  }

  private mutating func take(from queue: ChunkQueue, to writer: Descriptor, at most: Int) -> Step {
    if held.isEmpty {
      switch queue.take() {
      case .chunk(let chunk):
        if chunk.isEmpty { return .moved(0) }
        pending = chunk
        held = 0..<chunk.count
      case .empty: return .again
      case .finished: return .end
      case .failed(let text): return .failed(StreamFailure(.callerEnd, text, bytes: moved))
      }
    }
    let part = held.lowerBound..<min(held.upperBound, held.lowerBound + most)
    let step = pending.withUnsafeBytes { write(to: writer, UnsafeRawBufferPointer(rebasing: $0[part])) }
    if case .moved(let count) = step {
      let sent = held.lowerBound..<held.lowerBound + count
      pending.withUnsafeBytes { bytes in hasher?.update(UnsafeRawBufferPointer(rebasing: bytes[sent])) }
      held = held.lowerBound + count..<held.upperBound
      if held.isEmpty { pending = [] }
    }
    return step
  }

  private func write(to writer: Descriptor, _ bytes: UnsafeRawBufferPointer) -> Step {
    let count = Glibc.write(writer.raw, bytes.baseAddress, bytes.count)
    if count >= 0 { return .moved(count) }
    switch errno {
    case EAGAIN, EINTR: return .again
    case EPIPE: return .closed
    case let number:
      return .failed(StreamFailure(.broken, "cannot write to the plugin: \(errnoText(number))", bytes: moved))
    }
  }

  private func callerFailed(_ number: Int32) -> StreamFailure {
    StreamFailure(.callerEnd, "cannot read what is to be imported: \(errnoText(number))", bytes: moved)
  }

  // MARK: Waiting and ending

  private func wait(_ limit: Duration) {
    let milliseconds = Readiness.milliseconds(limit)
    if held.isEmpty {
      switch input {
      case .queue:
        // Woken by the producer; the plugin closing its end meanwhile shows at the next write.
        _ = Readiness.wait(-1, 0, wake: control.wake, milliseconds: milliseconds)
        return
      case .descriptor(let descriptor) where descriptor.isPollable:
        let ready = Readiness.wait(descriptor.raw, POLLIN, wake: control.wake, milliseconds: milliseconds)
        if ready.events == 0 || ready.woken { return }
      case .descriptor: break
      }
    }
    if let writer { _ = Readiness.wait(writer.raw, POLLOUT, wake: control.wake, milliseconds: milliseconds) }
  }

  /// Whether the plugin is the one that does not go on.
  private var pluginIsFull: Bool {
    var full = pollfd(fd: writer?.raw ?? -1, events: Int16(POLLOUT), revents: 0)
    return poll(&full, 1, 0) == 0
  }

  private func stalled() -> StreamFailure {
    let side = pluginIsFull ? "the plugin takes no more" : "the sending side sends nothing"
    return StreamFailure(.stalled, "the import stands still: \(side) for \(options.stallLimit)", bytes: moved)
  }

  private func early(_ claim: StreamClaim) -> StreamFailure {
    StreamFailure(
      .broken, "the plugin said it was done before it had read the whole stream", bytes: moved, expected: claim.bytes)
  }

  private func finish(_ claim: StreamClaim) -> Result<StreamReport, StreamFailure> {
    if closedEarly { return .failure(early(claim)) }
    if claim.bytes != moved {
      return .failure(
        StreamFailure(
          .broken, "the plugin did not receive as many bytes as were sent", bytes: moved, expected: claim.bytes))
    }
    let digest = hasher?.digest()
    if let digest, let failure = digest.difference(from: claim, bytes: moved) { return .failure(failure) }
    return .success(StreamReport(bytes: moved, digest: digest))
  }
}
