// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What reading a connection needs to remember.
///
/// `@unchecked Sendable`: all but the atomics is touched by whoever has the turn alone.
final class PeerReader: @unchecked Sendable {
  let turn = ReadingTurn()
  /// Whether the descriptor is kept out of the reactor because calls read for themselves; see `Peer+Polling.swift`.
  let isParked = Atomic<Bool>(false)
  /// Whether a look at the parking is scheduled.
  var watchesParking = false
  /// Polls so far; the watch compares.
  var polls = 0
  /// The call that polls, and its answer once it is there.
  var awaited: Int64?
  var answer: CallTable.Outcome?

  /// Whether reading is paused, for other threads; may be out of date by the time it is read.
  let isPaused = Atomic<Bool>(false)

  /// Bytes read at a time.
  static let chunk = 64 << 10

  /// What is read at a time; pages never used cost nothing.
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: PeerReader.chunk, alignment: 16)
  let descriptor: Int32
  var framer: LineFramer
  /// Nil while reading is paused.
  var registration: Reactor.Registration?
  var hasStarted = false
  var isDecoding = false
  /// The input has ended: there is nothing to wait for.
  var hasEnded = false
  /// Why to close once everything read has been handled.
  var finishing: RPCError?
  var isClosed = false

  init(descriptor: Int32, configuration: PeerConfiguration) {
    self.descriptor = descriptor
    framer = LineFramer(
      maxMessageBytes: configuration.maxMessageBytes,
      toleratedStrayLines: configuration.endsAtViolations ? configuration.toleratedStrayLines : nil)
  }

  deinit { buffer.deallocate() }
}
