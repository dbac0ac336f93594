// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims

/// One thread that waits for every descriptor, process and timer of every connection, with epoll.
///
/// Handlers run on that thread, one at a time, and must not block. Registrations are told apart by a number that is
/// used once, so an event that was already on its way when its descriptor was closed reaches nobody. Shut it down, or
/// drop it: the thread ends, and connections still open are closed.
public final class Reactor: Sendable {
  /// What a handler is told, and what a registration asks for.
  public struct Events: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = Events(rawValue: UInt32(BERTH_EPOLL_IN))
    public static let writable = Events(rawValue: UInt32(BERTH_EPOLL_OUT))
    /// The other end is gone or the descriptor failed; reading or writing tells which. Always told.
    public static let hangup = Events(rawValue: UInt32(BERTH_EPOLL_HANGUP))
    /// The reactor is shutting down; the last event a registration gets.
    public static let shutdown = Events(rawValue: 1 << 31)
  }

  /// A watched descriptor. It stays the caller's: the reactor never closes it.
  public struct Registration: Sendable, Hashable {
    public let descriptor: Int32
    let token: UInt64
  }

  /// Something to happen at a time.
  public struct Timer: Sendable, Hashable {
    let id: UInt64
  }

  public typealias Handler = @Sendable (Registration, Events) -> Void

  private let loop: EventLoop
  /// Threads that may wait for answers at once.
  let pollingPlaces = PollingPlaces()

  /// Starts the thread; `name` (15 bytes are kept) shows in `top -H`.
  public init(name: String = "berth-io") throws(ReactorError) {
    loop = try EventLoop()
    try loop.start(name: name)
  }

  deinit { loop.stop(whenDone: nil) }

  /// Watches a descriptor, level-triggered. The handler is stored before the descriptor is added, so no event is missed.
  ///
  /// Fails with EPERM for a regular file, which is always ready.
  public func register(
    _ descriptor: Int32, for events: Events, _ handler: @escaping Handler
  ) throws(ReactorError) -> Registration {
    try loop.register(descriptor, events, handler)
  }

  /// Changes what a registration asks for.
  public func update(_ registration: Registration, for events: Events) throws(ReactorError) {
    try loop.update(registration, events)
  }

  /// Stops watching; call it before closing the descriptor. A handler may still be running unless this is called on the
  /// I/O thread: `then` runs on that thread when none is, which is the place to close the descriptor.
  public func deregister(_ registration: Registration, then: (@Sendable () -> Void)? = nil) {
    loop.deregister(registration)
    if let then { execute(then) }
  }

  /// Runs the body on the I/O thread soon, in the order of the calls; here and now when the thread has ended.
  public func execute(_ body: @escaping @Sendable () -> Void) { loop.execute(body) }

  /// Runs the body on the I/O thread after the time.
  @discardableResult
  public func schedule(after delay: Duration, _ body: @escaping @Sendable () -> Void) -> Timer {
    loop.schedule(at: MonotonicTime.now + delay.nanoseconds, body)
  }

  /// Runs the body on the I/O thread at the time, in monotonic nanoseconds.
  func schedule(at deadline: Int64, _ body: @escaping @Sendable () -> Void) -> Timer {
    loop.schedule(at: deadline, body)
  }

  /// Forgets the timer; its body may already be running.
  public func cancel(_ timer: Timer) { loop.cancel(timer) }

  /// Calls the body once, on the I/O thread, when the process behind the pidfd has ended. The caller reaps it, and
  /// closes the pidfd only after deregistering or from the body.
  public func watchExit(
    pidfd: Int32, _ body: @escaping @Sendable () -> Void
  ) throws(ReactorError) -> Registration {
    let loop = loop
    return try register(pidfd, for: .readable) { registration, events in
      guard !events.contains(.shutdown) else { return }
      loop.deregister(registration)
      body()
    }
  }

  /// Whether the caller is on the I/O thread.
  public var isCurrent: Bool { loop.isCurrent }

  /// Tells every registration, ends the thread and returns when it has ended. Not to be awaited from a handler.
  public func shutdown() async {
    await withUnsafeContinuation { continuation in
      loop.stop { continuation.resume() }
    }
  }

  /// Has the body run when the thread ends; nil when it has begun to: then it runs at once.
  func addStopHook(_ body: @escaping @Sendable () -> Void) -> UInt64? { loop.addStopHook(body) }

  func removeStopHook(_ token: UInt64) { loop.removeStopHook(token) }

  /// Decodes what is too big for the I/O thread, in the order of the calls.
  func decode(_ body: @escaping @Sendable () -> Void) { loop.decode(body) }
}
