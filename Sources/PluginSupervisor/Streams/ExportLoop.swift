// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc

/// The thread's work in an export: plugin → FIFO → caller.
///
/// The host keeps a writing end of its own open until the reply comes, so an end of file never shows before it: a killed
/// writer looks like a clean close, and only the reply tells them apart.
struct ExportLoop {
  enum Output {
    case descriptor(CallerDescriptor)
    case queue(ChunkQueue)
  }

  private enum Step {
    case moved(Int)
    /// Nothing to read, or no room to write: wait for both.
    case again
    case end
    case failed(StreamFailure)
  }

  static let chunk = 256 << 10
  static let spliceChunk = 1 << 20

  let input: Descriptor
  var ownWriter: Descriptor?
  let output: Output
  let options: StreamOptions
  let control: RelayControl
  var hasher: StreamHasher?
  var rate: ByteRate?
  var moved: Int64 = 0
  private var canSplice = true
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ExportLoop.chunk, alignment: 4096)
  /// Bytes read but not yet written, inside `buffer`.
  private var held = 0..<0

  init(input: Descriptor, ownWriter: Descriptor, output: Output, options: StreamOptions, control: RelayControl) {
    self.input = input
    self.ownWriter = ownWriter
    self.output = output
    self.options = options
    self.control = control
    hasher = options.digest.map(StreamHasher.init)
    rate = options.bytesPerSecond.map { ByteRate(perSecond: $0) }
  }

  /// Moves bytes until the reply's count is reached, something fails, or the control says stop.
  mutating func run() -> Result<StreamReport, StreamFailure> {
    defer { buffer.deallocate() }
    var lastMove = ContinuousClock.now
    var claim: StreamClaim?
    while true {
      switch control.order {
      case .run: break
      case .stop: return .failure(StreamFailure(.cancelled, "the export was cancelled", bytes: moved))
      case .settle(let reported):
        if claim == nil {
          claim = reported
          ownWriter = nil
          lastMove = .now
        }
      }
      if let claim {
        if moved > claim.bytes { return .failure(mismatch(claim)) }
        if moved == claim.bytes, held.isEmpty, berth_relay_pending(input.raw) == 0 { return finish(claim) }
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
        if claim == nil, !waitsForReader { lastMove = control.life.latest(since: lastMove) }
        let limit = claim == nil ? options.stallLimit : options.settleLimit
        let left = limit - lastMove.duration(to: .now)
        if left <= .zero { return .failure(stalled(claim)) }
        wait(left)
      case .end:
        // Only after the reply: every writer has gone and the FIFO is empty.
        guard let claim else { continue }
        return moved == claim.bytes ? finish(claim) : .failure(mismatch(claim))
      case .failed(let failure):
        return .failure(failure)
      }
    }
  }

  // MARK: Moving

  private mutating func step() -> Step {
    let allowance = rate.map { min($0.remaining, Self.spliceChunk) } ?? Self.spliceChunk
    switch output {
    case .descriptor(let descriptor):
      if hasher == nil, canSplice, held.isEmpty {
        return splice(to: descriptor, at: most(allowance, Self.spliceChunk))
      }
      return copy(to: descriptor, at: most(allowance, Self.chunk))
    case .queue(let queue): return hand(to: queue, at: most(allowance, Self.chunk))
    }
  }

  private func most(_ allowance: Int, _ size: Int) -> Int { max(1, min(allowance, size)) }

  private mutating func splice(to descriptor: CallerDescriptor, at most: Int) -> Step {
    let count = berth_splice(input.raw, descriptor.raw, most, 1)
    if count > 0 { return .moved(count) }
    if count == 0 { return .end }
    switch Int32(-count) {
    case EAGAIN, EINTR: return .again
    case EINVAL:
      // The caller's end knows no splice (append mode, some character devices): copy instead.
      canSplice = false
      return copy(to: descriptor, at: most)
    case let number: return .failed(callerFailed(number))
    }
  }

  private mutating func copy(to descriptor: CallerDescriptor, at most: Int) -> Step {
    if held.isEmpty {
      let count = Glibc.read(input.raw, buffer.baseAddress, min(most, buffer.count))
      if count == 0 { return .end }
      if count < 0 { return readFailed(errno) }
      let got = UnsafeRawBufferPointer(rebasing: buffer[0..<count])
      hasher?.update(got)
      held = 0..<count
    }
    let count = descriptor.write(UnsafeRawBufferPointer(rebasing: buffer[held]))
    if count > 0 {
      held = held.lowerBound + count..<held.upperBound
      return .moved(count)
    }
    switch Int32(-count) {
    case EAGAIN, EINTR, 0: return .again
    case let number: return .failed(callerFailed(number))
    }
  }

  private mutating func hand(to queue: ChunkQueue, at most: Int) -> Step {
    if queue.isAbandoned {
      return .failed(StreamFailure(.callerEnd, "the reader of the export went away", bytes: moved))
    }
    guard queue.hasRoom else { return .again }
    let count = Glibc.read(input.raw, buffer.baseAddress, min(most, buffer.count))
    if count == 0 { return .end }
    if count < 0 { return readFailed(errno) }
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[0..<count])
    hasher?.update(bytes)
    queue.put(Array(bytes))
    return .moved(count)
  }

  private func readFailed(_ number: Int32) -> Step {
    if number == EAGAIN || number == EINTR { return .again }
    return .failed(StreamFailure(.broken, "cannot read the plugin's stream: \(errnoText(number))", bytes: moved))
  }

  private func callerFailed(_ number: Int32) -> StreamFailure {
    StreamFailure(
      number == ENOSPC || number == EDQUOT ? .callerFull : .callerEnd,
      "cannot write what the plugin exports: \(errnoText(number))", bytes: moved)
  }

  // MARK: Waiting and ending

  /// Waits for the side that is not ready: the FIFO first, then the caller's end.
  private func wait(_ limit: Duration) {
    let milliseconds = Readiness.milliseconds(limit)
    if held.isEmpty {
      if case .queue(let queue) = output, !queue.hasRoom {
        _ = Readiness.wait(-1, 0, wake: control.wake, milliseconds: milliseconds)
        return
      }
      let ready = Readiness.wait(input.raw, POLLIN, wake: control.wake, milliseconds: milliseconds)
      if ready.events == 0 || ready.woken { return }
    }
    if case .descriptor(let descriptor) = output, descriptor.isPollable {
      _ = Readiness.wait(descriptor.raw, POLLOUT, wake: control.wake, milliseconds: milliseconds)
    }
  }

  /// Whether the caller's end is the one that does not go on.
  private var waitsForReader: Bool {
    if case .queue(let queue) = output, !queue.hasRoom { return true }
    return !held.isEmpty || berth_relay_pending(input.raw) > 0
  }

  private func stalled(_ claim: StreamClaim?) -> StreamFailure {
    let side = waitsForReader ? "the receiving side takes no more" : "the plugin sends nothing"
    let limit = claim == nil ? options.stallLimit : options.settleLimit
    return StreamFailure(
      claim == nil ? .stalled : .broken, "the export stands still: \(side) for \(limit)", bytes: moved,
      expected: claim?.bytes)
  }

  private func finish(_ claim: StreamClaim) -> Result<StreamReport, StreamFailure> {
    let digest = hasher?.digest()
    if let digest, let failure = digest.difference(from: claim, bytes: moved) { return .failure(failure) }
    return .success(StreamReport(bytes: moved, digest: digest))
  }

  private func mismatch(_ claim: StreamClaim) -> StreamFailure {
    StreamFailure(
      .broken, "the plugin's stream does not have the length the plugin reported", bytes: moved,
      expected: claim.bytes)
  }
}
