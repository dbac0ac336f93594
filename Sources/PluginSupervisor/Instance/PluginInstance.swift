// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
public import JSONRPC
public import Logging
public import PluginSandbox
public import StorageProtocol
internal import Synchronization

/// One supervised plugin: at most one child at a time, started when first needed, watched, ended, started again.
///
/// Calls come in through ``call(_:_:context:options:)`` and its relatives, which do not enter the actor while a child is
/// ready; the actor decides about starts, ends, pauses and quarantine. Every `await` in it is followed by a new look at
/// the state.
public actor PluginInstance {
  /// Makes the plan for the next start; fails when the configuration or the grant does not allow one.
  public typealias Planner = @Sendable (_ epoch: Int64) async throws(StorageError) -> LaunchPlan

  enum State {
    case idle
    /// With the child as soon as there is one.
    case starting(PluginChild?)
    case ready(PluginChild)
    /// The child's burial runs; see `burial`.
    case ending(PluginChild, isKilling: Bool)
    case unreapable(PluginChild, String)
    case closed
  }

  struct Waiter {
    var continuation: CheckedContinuation<Result<PluginChild, StorageError>, Never>
    var deadline: ContinuousClock.Instant
  }

  /// The instance, by its child's identity, whose request this task serves: a plugin is never called from inside one of
  /// its own requests.
  @TaskLocal static var serving: ObjectIdentifier?

  /// A write to a plugin that closed its input must be that write's error, not the whole process's end. Once is enough.
  private static let ignoresPipeSignal = berth_ignore_sigpipe()

  /// The child that takes calls now; read by callers without entering the actor.
  nonisolated let ready = Mutex<PluginChild?>(nil)
  public nonisolated let configuration: InstanceConfiguration
  nonisolated let services: any HostServices
  let launcher: any PluginLauncher
  let planner: Planner
  let reactor: Reactor
  let logger: Logger
  let sessionID: String

  var state = State.idle
  var history: RestartHistory<ContinuousClock.Instant>
  var epoch: Int64 = 0
  var lastEnd: ChildEnd?
  /// What the connections to children that have ended had seen.
  var pastCounters = PeerCounters()
  /// Starts in a row during which the launcher ended, and how many of them are borne before callers are told.
  var launcherEnds = 0
  static let launcherEndsBorne = 3
  var waiters: [UInt64: Waiter] = [:]
  var nextWaiter: UInt64 = 1
  var burials: [ObjectIdentifier: Task<ChildEnd, Never>] = [:]
  var startTask: Task<Void, Never>?
  var restartTimer: Task<Void, Never>?
  var idleTimer: Task<Void, Never>?

  /// - Parameters:
  ///   - planner: makes the launch plan of each start.
  ///   - logger: gets `plugin` and `storeid` as metadata here.
  public init(
    configuration: InstanceConfiguration, launcher: any PluginLauncher, services: any HostServices, reactor: Reactor,
    logger: Logger, planner: @escaping Planner
  ) {
    self.configuration = configuration
    self.launcher = launcher
    self.services = services
    self.reactor = reactor
    self.planner = planner
    var logger = logger
    logger[metadataKey: "plugin"] = "\(configuration.bundle.id)"
    if let storeid = configuration.storeid { logger[metadataKey: "storeid"] = "\(storeid)" }
    self.logger = logger
    history = RestartHistory(policy: configuration.restart)
    _ = Self.ignoresPipeSignal
    var generator = SystemRandomNumberGenerator()
    sessionID = hexadecimal((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }

  // MARK: - Operators

  /// Lifts a quarantine or a pause: the next call may start a child at once.
  public func release() {
    history.release()
    logger.notice("released by an operator")
    startIfNeeded()
  }

  /// Starts the child without a call, to have it ready; like a call it waits for pauses.
  public func start(timeout: Duration = .seconds(30)) async throws(StorageError) {
    _ = try await child(until: .now + timeout, waitsForRestart: true)
  }

  /// Stops the child in an orderly way (`shutdown`, end of input, SIGTERM, kill); the next call starts another.
  ///
  /// - Throws: `PLUGIN_UNREAPABLE` when something of it survives.
  public func stop(reason: String) async throws(StorageError) {
    guard case .ready(let child) = state else {
      try await waitUntilEnded()
      return
    }
    try Self.requireDead(await end(child, .orderly(reason)), configuration.name)
  }

  /// Stops the child as soon as it has nothing to do; returns at once.
  public func stopWhenIdle(reason: String) {
    guard case .ready(let child) = state else { return }
    Task { [weak self] in
      while await self?.isBusy(child) == true { try? await Task.sleep(for: .milliseconds(50)) }
      guard let self, await self.isCurrent(child) else { return }
      _ = await self.end(child, .orderly(reason))
    }
  }

  private func isCurrent(_ child: PluginChild) -> Bool {
    if case .ready(let current) = state { current === child } else { false }
  }

  private func isBusy(_ child: PluginChild) -> Bool {
    let load = child.gate.load
    return isCurrent(child) && load.running + load.waiting > 0
  }

  /// Ends the instance for good: the child stops, later calls fail with SHUTTING_DOWN.
  public func close(reason: String) async throws(StorageError) {
    restartTimer?.cancel()
    idleTimer?.cancel()
    // Whoever starts or ends the child from now on finds this.
    isClosing = true
    settleWaiters(.failure(shuttingDown()))
    switch state {
    case .ready(let child): try Self.requireDead(await end(child, .orderly(reason)), configuration.name)
    case .idle: state = .closed
    case .starting, .ending:
      try await waitUntilEnded()
      state = .closed
    case .unreapable(_, let what):
      throw Self.unreapable(configuration.name, what)
    case .closed: break
    }
  }

  /// Kills the child with everything it started and returns when nothing is left: before a lock may pass on.
  ///
  /// - Throws: `PLUGIN_UNREAPABLE` when something of it survives; keep the lock then.
  public func kill(reason: String) async throws(StorageError) {
    if case .ready(let child) = state {
      try Self.requireDead(await end(child, .kill(reason)), configuration.name)
    } else {
      try await waitUntilEnded()
    }
  }

  /// Whether a child takes calls now; asked without entering the actor.
  public nonisolated var isRunning: Bool { ready.withLock { $0 != nil } }

  /// Which start of the child a call made now would reach; cheap, unlike ``status``.
  public var currentEpoch: Int64 {
    switch state {
    case .ready(let child): child.epoch
    case .starting: epoch
    case .idle, .ending, .unreapable, .closed: epoch + 1
    }
  }

  /// ``status`` with the confinement score, for which the running process is read back from outside.
  public func detailedStatus() async -> InstanceStatus {
    var status = status
    guard case .ready(let child) = state else { return status }
    let process = child.process
    status.score = await OwnThread.run { process.score() }
    return status
  }

  /// What the instance is doing now, without the score.
  public var status: InstanceStatus {
    var status = InstanceStatus(
      plugin: configuration.bundle.id, pluginVersion: configuration.bundle.manifest.version,
      storeid: configuration.storeid, state: .idle, epoch: epoch)
    status.crashes = history.total
    status.recentCrashes = history.recent.count
    status.lastEnd = lastEnd?.text
    status.counters = pastCounters
    var running: PluginChild?
    switch state {
    case .idle:
      if history.isQuarantined {
        status.state = .quarantined
      } else if let pause = history.wait(at: .now) {
        status.state = .backoff
        status.restartsAfter = pause
      }
    case .starting: status.state = .starting
    case .ready(let child):
      status.state = .ready
      running = child
    case .ending(let child, let isKilling):
      status.state = isKilling ? .killing : .draining
      running = child
    case .unreapable(let child, _):
      status.state = .unreapable
      running = child
    case .closed: status.state = .closed
    }
    if let running {
      let load = running.gate.load
      status.pid = running.process.pid
      status.uid = running.process.uid
      status.layers = running.process.layers
      status.holdBack = running.process.holdBack?.text
      status.counters = pastCounters + running.peer.counters
      status.protocolVersion = running.session.withLock { $0?.protocolVersion.description }
      status.runningCalls = load.running
      status.waitingCalls = load.waiting
    }
    return status
  }

  /// Set by `close`: nothing starts any more.
  var isClosing = false

  /// Waits until no child is starting or ending.
  private func waitUntilEnded() async throws(StorageError) {
    while true {
      switch state {
      case .starting: await startTask?.value
      case .ending(let child, _): _ = await burials[ObjectIdentifier(child)]?.value
      case .ready(let child): _ = await end(child, .orderly("it is not needed any more"))
      case .unreapable(_, let what): throw Self.unreapable(configuration.name, what)
      case .idle, .closed: return
      }
    }
  }

  static func requireDead(_ end: ChildEnd, _ name: String) throws(StorageError) {
    if let what = end.unreapable { throw unreapable(name, what) }
  }

  /// - Parameter outcome: what became of the call that is told so; `notStarted` when it was never sent.
  static func unreapable(_ name: String, _ what: String, outcome: Outcome = .unknown) -> StorageError {
    let message =
      outcome == .notStarted
      ? "\(name) was not asked: what runs of it cannot be killed" : "\(name) cannot be killed"
    return StorageError(
      .pluginUnreapable, "\(message): \(what)", outcome: outcome,
      hint: "processes in uninterruptible sleep wait for a device or server; look there, then release the plugin")
  }

  func shuttingDown() -> StorageError {
    StorageError(.shuttingDown, "\(configuration.name) is closed", outcome: .notStarted)
  }
}
