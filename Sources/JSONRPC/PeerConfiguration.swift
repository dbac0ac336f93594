// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Limits and times of one connection.
public struct PeerConfiguration: Sendable {
  /// Name of the other side in messages: "plugin org.example.dir (store local)".
  public var name = "peer"
  /// Longest line read. The protocol's ceiling is 64 MiB.
  public var maxMessageBytes = 4 << 20
  /// Longest message sent until the other side has said what it reads; see ``Peer/limitMessages(to:)``.
  public var maxOutgoingMessageBytes = 4 << 20
  /// Deepest nesting read.
  public var maxDepth = 64
  /// Bytes that may wait to be sent; a call over it fails as overloaded, and reading stops while answers exceed it.
  public var maxOutgoingBytes = 8 << 20
  /// Incoming requests worked on at the same time.
  public var maxConcurrentRequests = 16
  /// Incoming requests that may wait for their turn; at that many reading stops.
  public var maxQueuedRequests = 64
  /// Whether a line that cannot be a message ends the connection: one over the limit at once, stray ones when they are
  /// too many. Else each is answered with an error and left out, as a plugin does that must survive its host's mistakes.
  public var endsAtViolations = true
  /// Lines that are no protocol messages a connection survives; one more is a violation.
  public var toleratedStrayLines = 2
  /// Time the other side gets to answer a `$/cancel` before the call ends with an unknown outcome.
  public var cancelGrace: Duration = .seconds(10)
  /// Time between the end of input and closing, for someone who knows more (the exit status) to close first.
  public var endGrace: Duration = .zero
  /// Messages longer than this many bytes are decoded off the I/O thread.
  public var inlineDecodeBytes = 16 << 10
  /// Longest time a call waits for its answer in the caller's own thread before it suspends; zero switches it off.
  ///
  /// To suspend costs two thread hops (I/O thread, task pool), many times what a quick side takes to answer: measured,
  /// 25 to 100 µs against 4. So where answers have been quick, within 0.3 ms, a call that is alone in flight reads for
  /// itself: for 20 µs again and again, as long as that is not too often in vain, then sleeping in poll(2). This is the
  /// one place where a thread of the pool may sleep; it is rationed: not over half the processors do so at once, and an
  /// answer that does not come in this time costs the connection the right until 8, 16, … 1024 quick ones have followed.
  /// Four milliseconds is the kernel's tick: shorter timers make every call slower, since the clock is reprogrammed.
  public var answerPolling: Duration = .milliseconds(4)
  /// Records both directions; nil (nothing is recorded) unless set.
  public var transcript: Transcript?

  public init() {}
}
