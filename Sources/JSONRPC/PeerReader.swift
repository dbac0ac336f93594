// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What reading a connection needs to remember.
///
/// `@unchecked Sendable`: touched by the I/O thread alone, except that the framer's owner is the decoder while
/// `isDecoding`, handed over and back through the queues of both threads.
final class PeerReader: @unchecked Sendable {
  /// Whether reading is paused, for other threads; may be out of date by the time it is read.
  let isPaused = Atomic<Bool>(false)

  /// Bytes read at a time.
  static let chunk = 64 << 10

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
      maxMessageBytes: configuration.maxMessageBytes, toleratedStrayLines: configuration.toleratedStrayLines)
  }
}
