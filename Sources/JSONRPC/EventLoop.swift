// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Dispatch
internal import Glibc
internal import Synchronization

/// The thread behind a ``Reactor``: what it watches and what it has to do.
final class EventLoop: Sendable {
  typealias Job = @Sendable () -> Void

  private struct State {
    var handlers: [UInt64: (registration: Reactor.Registration, handler: Reactor.Handler)] = [:]
    var nextToken: UInt64 = 1
    var timers = TimerQueue()
    var jobs: [Job] = []
    /// Told when the thread ends, whatever they have registered.
    var stopHooks: [UInt64: Job] = [:]
    /// When the thread, if it sleeps, wakes by itself.
    var wakesAt = Int64.min
    var isStopping = false
    var isStopped = false
    var whenStopped: [Job] = []
  }

  /// The event that means "look at the jobs and timers".
  private static let wakeToken: UInt64 = 0

  private let epoll: Int32
  private let wakeDescriptor: Int32
  private let state = Mutex(State())
  private let thread = Atomic<UInt>(0)
  private let decoder = DispatchQueue(label: "berth.decode")

  init() throws(ReactorError) {
    let epoll = berth_epoll_create()
    guard epoll >= 0 else { throw ReactorError("epoll_create", errno: -epoll) }
    let wake = berth_eventfd_create()
    guard wake >= 0 else {
      close(epoll)
      throw ReactorError("eventfd", errno: -wake)
    }
    self.epoll = epoll
    wakeDescriptor = wake
    let result = berth_epoll_add(epoll, wake, UInt32(BERTH_EPOLL_IN), Self.wakeToken)
    guard result == 0 else { throw ReactorError("epoll_ctl", errno: -result) }
  }

  deinit {
    close(wakeDescriptor)
    close(epoll)
  }

  func start(name: String) throws(ReactorError) {
    let context = Unmanaged.passRetained(self)
    let result = name.withCString { name in
      berth_thread_start(
        name, 0,
        { context in
          // The pointer is the one retained above; it is never nil.
          Unmanaged<EventLoop>.fromOpaque(context!).takeRetainedValue().run()
        }, context.toOpaque())
    }
    guard result == 0 else {
      context.release()
      throw ReactorError("pthread_create", errno: -result)
    }
  }

  var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  // MARK: Registrations

  func register(
    _ descriptor: Int32, _ events: Reactor.Events, _ handler: @escaping Reactor.Handler
  ) throws(ReactorError) -> Reactor.Registration {
    let registration = state.withLock { state -> Reactor.Registration? in
      guard !state.isStopping else { return nil }
      let registration = Reactor.Registration(descriptor: descriptor, token: state.nextToken)
      state.nextToken += 1
      state.handlers[registration.token] = (registration, handler)
      return registration
    }
    guard let registration else { throw ReactorError("register", errno: 0) }
    let result = berth_epoll_add(epoll, descriptor, events.rawValue, registration.token)
    guard result == 0 else {
      _ = state.withLock { $0.handlers.removeValue(forKey: registration.token) }
      throw ReactorError("epoll_ctl", errno: -result)
    }
    return registration
  }

  func update(_ registration: Reactor.Registration, _ events: Reactor.Events) throws(ReactorError) {
    let result = berth_epoll_modify(epoll, registration.descriptor, events.rawValue, registration.token)
    guard result == 0 else { throw ReactorError("epoll_ctl", errno: -result) }
  }

  func deregister(_ registration: Reactor.Registration) {
    // Whoever takes the handler out also takes the descriptor out: a second call must not touch a reused number.
    let found = state.withLock { $0.handlers.removeValue(forKey: registration.token) }
    if found != nil { _ = berth_epoll_remove(epoll, registration.descriptor) }
  }

  /// Has the job run on the I/O thread when it ends, before registrations are told; at once when it has begun to end.
  func addStopHook(_ hook: @escaping Job) -> UInt64? {
    let token = state.withLock { state -> UInt64? in
      guard !state.isStopping else { return nil }
      defer { state.nextToken += 1 }
      state.stopHooks[state.nextToken] = hook
      return state.nextToken
    }
    if token == nil { execute(hook) }
    return token
  }

  func removeStopHook(_ token: UInt64) { _ = state.withLock { $0.stopHooks.removeValue(forKey: token) } }

  // MARK: Jobs and timers

  func execute(_ job: @escaping Job) {
    let (isStopped, wakes) = state.withLock { state -> (Bool, Bool) in
      guard !state.isStopped else { return (true, false) }
      state.jobs.append(job)
      return (false, state.jobs.count == 1)
    }
    if isStopped { job() } else if wakes, !isCurrent { wake() }
  }

  func schedule(at deadline: Int64, _ body: @escaping Job) -> Reactor.Timer {
    let (id, wakes) = state.withLock { state in
      (state.timers.add(at: deadline, body), deadline < state.wakesAt)
    }
    if wakes, !isCurrent { wake() }
    return Reactor.Timer(id: id)
  }

  func cancel(_ timer: Reactor.Timer) { state.withLock { $0.timers.remove(timer.id) } }

  func decode(_ body: @escaping Job) { decoder.async(execute: body) }

  private func wake() { _ = berth_eventfd_signal(wakeDescriptor) }

  // MARK: The thread

  func stop(whenDone: Job?) {
    let isStopped = state.withLock { state in
      state.isStopping = true
      if !state.isStopped, let whenDone { state.whenStopped.append(whenDone) }
      return state.isStopped
    }
    if isStopped { whenDone?() } else { wake() }
  }

  private func run() {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    var events = [berth_epoll_event](repeating: berth_epoll_event(), count: Int(BERTH_EPOLL_BATCH))
    while runJobs() {
      let count = berth_epoll_wait(epoll, &events, Int32(events.count), untilNextTimer())
      for place in 0..<max(0, Int(count)) { deliver(events[place]) }
    }
    finish()
  }

  /// Runs what has been asked for and what is due; false when it is time to stop.
  private func runJobs() -> Bool {
    let (jobs, isStopping) = state.withLock { state in
      // Awake: whoever adds work now need not wake us.
      state.wakesAt = .min
      defer { state.jobs.removeAll(keepingCapacity: true) }
      return (state.jobs, state.isStopping)
    }
    for job in jobs { job() }
    let now = MonotonicTime.now
    while let due = state.withLock({ $0.timers.takeDue(now: now) }) { due() }
    return !isStopping
  }

  /// How long to sleep, -1 without end; from here on an earlier timer or a job wakes the thread.
  private func untilNextTimer() -> Int64 {
    let (earliest, hasJobs) = state.withLock { state in
      let earliest = state.timers.earliest
      state.wakesAt = earliest
      return (earliest, !state.jobs.isEmpty || state.isStopping)
    }
    if hasJobs { return 0 }
    return earliest == MonotonicTime.never ? -1 : max(0, earliest - MonotonicTime.now)
  }

  private func deliver(_ event: berth_epoll_event) {
    guard event.data != Self.wakeToken else {
      _ = berth_eventfd_drain(wakeDescriptor)
      return
    }
    guard let (registration, handler) = state.withLock({ $0.handlers[event.data] }) else { return }
    handler(registration, Reactor.Events(rawValue: event.events))
  }

  /// Tells whoever is still registered, then does the last jobs; afterwards jobs run where they are asked for.
  private func finish() {
    let hooks = state.withLock { state in
      defer { state.stopHooks = [:] }
      return Array(state.stopHooks.values)
    }
    for hook in hooks { hook() }
    let left = state.withLock { state in
      defer { state.handlers = [:] }
      return Array(state.handlers.values)
    }
    for (registration, handler) in left {
      _ = berth_epoll_remove(epoll, registration.descriptor)
      handler(registration, .shutdown)
    }
    while true {
      let (jobs, waiting) = state.withLock { state -> ([Job], [Job]) in
        let jobs = state.jobs
        state.jobs = []
        guard jobs.isEmpty else { return (jobs, []) }
        state.isStopped = true
        state.timers = TimerQueue()
        defer { state.whenStopped = [] }
        return ([], state.whenStopped)
      }
      for job in jobs { job() }
      guard jobs.isEmpty else { continue }
      for job in waiting { job() }
      return
    }
  }
}
