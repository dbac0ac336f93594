// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import JSON
internal import Synchronization

/// Reading; everything here is done by whoever has the turn to (``ReadingTurn``), unless it says otherwise: the I/O
/// thread, or a call that polls for its answer.
extension Peer {
  func startReading() {
    guard !reader.isClosed else { return }
    reader.hasStarted = true
    updateReading()
  }

  /// From any thread: something changed that reading may have waited for.
  func reconsiderReading() {
    reactor.execute { [self] in
      reader.turn.run { [self] in
        guard !reader.isClosed, !reader.isDecoding else { return }
        handleFrames()
      }
    }
  }

  func endReading() {
    guard !reader.isClosed else { return }
    reader.isClosed = true
    if let registration = reader.registration { reactor.deregister(registration) }
    reader.registration = nil
    Glibc.close(reader.descriptor)
  }

  // MARK: Bytes

  /// Reads once and handles what came; false when there was nothing.
  @discardableResult
  func readSome() -> Bool {
    guard !reader.isClosed, !reader.hasEnded else { return false }
    switch readOnce() {
    case 0: endOfInput()
    case let count where count > 0: handleFrames()
    case -Int(EAGAIN): return false
    case let error:
      close(.closed("\(configuration.name): reading from it failed: \(SystemError.text(Int32(-error)))"))
    }
    return true
  }

  /// Feeds the framer; the result is as of read(2), or -errno.
  private func readOnce() -> Int {
    let count = berth_read(reader.descriptor, reader.buffer.baseAddress, reader.buffer.count)
    if count > 0 { reader.framer.feed(UnsafeRawBufferPointer(rebasing: reader.buffer[..<count])) }
    return count
  }

  private func endOfInput() {
    reader.hasEnded = true
    let rest = reader.framer.pendingBytes
    let detail = rest > 0 ? ", in the middle of a message of \(rest) bytes so far" : ""
    let reason = RPCError.closed("\(configuration.name): it has closed its output\(detail)")
    updateReading()
    calls.refuse(reason)
    guard configuration.endGrace > .zero else { return close(reason) }
    reactor.schedule(after: configuration.endGrace) { [self] in close(reason) }
  }

  /// Reads what is in the pipe now and closes when all of it has been handled.
  func drain(then reason: RPCError) {
    guard !reader.isClosed, reader.finishing == nil else { return }
    reader.finishing = reason
    inbox.close()
    guard !reader.isDecoding else { return }
    handleFrames()
  }

  /// At most what a pipe holds: a descendant that keeps writing must not hold up the end.
  private func drainPipe() {
    guard !reader.hasEnded else { return }
    var left = max(Int(berth_pipe_size(reader.descriptor)), PeerReader.chunk)
    while left > 0 {
      let count = readOnce()
      guard count > 0 else { break }
      left -= count
    }
    reader.hasEnded = true
  }

  // MARK: Frames

  /// Handles what has been read, as far as it may go now.
  func handleFrames() {
    // A handler may close the connection: then nothing more is handled, although the descriptor is closed later.
    while !isOver.load(ordering: .acquiring), !reader.isClosed, mayRead {
      guard let event = reader.framer.next() else {
        guard let reason = reader.finishing else { break }
        if reader.hasEnded { return close(reason) }
        drainPipe()
        continue
      }
      switch event {
      case .message(let line):
        if line.count > configuration.inlineDecodeBytes { return decodeElsewhere(line) }
        handle(decode(line), line)
      case .tooLong(let text):
        var error = RPCError.violation("\(configuration.name) \(text)")
        error.code = .messageTooLarge
        answerBroken(error)
        // Which answer of it is lost nobody knows.
        if configuration.endsAtViolations { return close(error) }
        noteStray(text)
      case .stray(let quoted):
        // Text that a library printed asks for no answer; a host does not print.
        if !configuration.endsAtViolations { answerBroken(RPCError(.parseError, quoted)) }
        noteStray(quoted)
      case .violation(let text): return endSession(text)
      }
    }
    updateReading()
  }

  /// Whether more may be handled: what has been read is of no use to a closed connection, and must not pile up in one
  /// that cannot keep up. Answers to our own calls may stand behind requests that wait for those answers: then reading
  /// goes on further, and requests over that bound are answered as overloaded.
  var mayRead: Bool {
    if reader.finishing != nil { return true }
    return !outbox.isFull && !(inbox.isFull && calls.count == 0)
  }

  /// Registers or deregisters according to what is wanted now. A paused descriptor is taken out altogether: epoll would
  /// tell of a hang-up again and again.
  func updateReading() {
    guard !reader.isClosed, reader.hasStarted, !isOver.load(ordering: .acquiring) else { return }
    let wants = !reader.isDecoding && !reader.hasEnded && reader.finishing == nil && mayRead
    let registers = wants && !reader.isParked.load(ordering: .relaxed)
    if registers, reader.registration == nil {
      do {
        reader.registration = try reactor.register(reader.descriptor, for: .readable) { [self] _, events in
          // Whoever has the turn reads, or registers anew and so is told again.
          guard !events.contains(.shutdown), reader.turn.take() else { return }
          readSome()
          reader.turn.give()
        }
      } catch {
        close(.closed("\(configuration.name): its output cannot be watched: \(error)"))
      }
    } else if !registers, let registration = reader.registration {
      reactor.deregister(registration)
      reader.registration = nil
    }
    guard wants == reader.isPaused.load(ordering: .relaxed) else { return }
    reader.isPaused.store(!wants, ordering: .sequentiallyConsistent)
    guard !wants, !reader.hasEnded, !reader.isDecoding else { return }
    counts.withLock { $0.readPauses += 1 }
    // A call that began before it could see the pause counts on being read.
    if mayRead { reconsiderReading() }
  }

  // MARK: Messages

  private enum Decoded: Sendable {
    case message(Message, JSON?)
    case broken(JSONError)
  }

  /// Also on the decoder's thread.
  private func decode(_ line: ArraySlice<UInt8>) -> Decoded {
    do throws(JSONError) {
      let limits = JSONLimits(maxBytes: configuration.maxMessageBytes, maxDepth: configuration.maxDepth)
      let json = try JSON.parse(line, limits: limits)
      return .message(try Message(json), configuration.transcript == nil ? nil : json)
    } catch {
      return .broken(error)
    }
  }

  private func handle(_ decoded: Decoded, _ line: ArraySlice<UInt8>) {
    switch decoded {
    case .message(let message, let json):
      counts.withLock { $0.received += 1 }
      if let json { configuration.transcript?.record(.incoming, json) }
      dispatch(message, size: line.count)
    case .broken(let error):
      let isJSON = error.code == .missing || error.code == .type || error.code == .value
      answerBroken(RPCError(isJSON ? .invalidRequest : .parseError, error.description))
      switch reader.framer.stray(line, "is no message (\(error))") {
      case .violation(let text): endSession(text)
      case .stray(let quoted): noteStray(quoted)
      case .message, .tooLong: break
      }
    }
  }

  /// The other side is told why, as far as it still listens.
  private func endSession(_ text: String) {
    let error = RPCError.violation("\(configuration.name) \(text)")
    answerBroken(error)
    close(error)
  }

  private func noteStray(_ quoted: String) {
    counts.withLock { $0.strayLines += 1 }
    handlers.strayLine(quoted)
  }

  /// Reading pauses until the decoder hands the message back, so order is kept and memory bounded.
  private func decodeElsewhere(_ line: ArraySlice<UInt8>) {
    reader.isDecoding = true
    updateReading()
    reactor.decode { [self] in
      let decoded = decode(line)
      reactor.execute { [self] in
        reader.turn.run { [self] in
          reader.isDecoding = false
          guard !reader.isClosed else { return }
          handle(decoded, line)
          handleFrames()
        }
      }
    }
  }
}
