// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization

/// A running plugin inside its sandbox, as its supervisor holds it.
///
/// The object owns its descriptors; ``close()`` closes them, or the end of its life.
public final class SandboxedProcess: Sendable {
  /// Names the instance in cgroups and messages: the plan's name and a running number.
  public var instance: String { plan.instance }
  /// The sandbox's first process (pid 1 inside), in the host's numbering. For messages; signals go through the object.
  public let pid: Int32
  /// Becomes readable when the whole sandbox is gone.
  public let pidfd: Int32
  /// The host's ends of three fresh pipes: write to `standardInput`, read the other two. Non-blocking.
  public let standardInput: Int32
  public let standardOutput: Int32
  public let standardError: Int32
  /// The user id on the host that the plugin runs as; stream FIFOs must belong to it.
  public var uid: UInt32 { plan.uid }
  public var mode: LaunchPlan.Mode { plan.mode }
  /// The layers the launcher put in force.
  public let layers: SandboxLayers
  /// Landlock's ABI as the plugin got it.
  public let landlockABI: Int32
  /// The plan it was started with.
  public let plan: LaunchPlan

  let scope: String
  let transport: Launcher.Transport
  private let removals: LeafRemovals
  /// The launcher server that started it, 0 in exec mode.
  private let server: Int32
  let endpoints: [ResolvedEndpoint]
  /// What its file system was to hold.
  let mounts: MountTable
  /// What its set-up saw of it at the last moment.
  let report: SetUpReport
  /// Carries the granted endpoints' connections; nil when none is granted.
  private let relay: EndpointRelay?
  /// Refused calls in learning mode, -1 otherwise.
  let notifications: Int32
  let cgroup: Cgroup
  private let control: Int32
  private static let quietly = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)

  private struct State {
    var status: ExitStatus?
    var limit: LimitHit?
    var closed = false
  }
  private let state = Mutex(State())

  init(
    plan: LaunchPlan, removals: LeafRemovals, scope: String, transport: Launcher.Transport, server: Int32,
    reply: LauncherConnection.Reply, pidfd: Int32, input: Int32, output: Int32, errors: Int32, control: Int32,
    endpoints: [ResolvedEndpoint], mounts: MountTable
  ) {
    self.plan = plan
    self.removals = removals
    self.server = server
    self.scope = scope
    self.transport = transport
    self.pid = reply.raw.pid
    self.pidfd = pidfd
    self.standardInput = input
    self.standardOutput = output
    self.standardError = errors
    self.layers = SandboxLayers(rawValue: reply.raw.layers)
    self.landlockABI = reply.raw.landlock_abi
    self.control = control
    self.endpoints = endpoints
    self.mounts = mounts
    self.report = SetUpReport(reply.raw.seen)
    self.relay = reply.listeners.isEmpty ? nil : EndpointRelay(endpoints, listeners: reply.listeners)
    self.notifications = reply.descriptor(BL_RFD_NOTIFY) ?? -1
    self.cgroup = Cgroup(
      directory: reply.descriptor(BL_RFD_CGROUP) ?? -1, killer: reply.descriptor(BL_RFD_KILL) ?? -1,
      share: reply.descriptor(BL_RFD_CPU) ?? -1, pid: reply.raw.pid)
    ForkWatch.shared.add(cgroup, plan.effectiveLimits)
  }

  deinit { close() }

  /// Asks the plugin's main process to end, as `kill -TERM` would. Never blocks.
  public func terminate() { signal(SIGTERM) }

  /// Sends a signal to the plugin's main process, through the sandbox's init. Never blocks.
  public func signal(_ number: Int32) {
    var byte = UInt8(truncatingIfNeeded: number)
    state.withLock { state in
      if !state.closed { _ = send(control, &byte, 1, Self.quietly) }
    }
  }

  /// Lets go of the sandbox as the death of this process would: its init sees the end of the socket and ends it all.
  func abandon() { shutdown(control, Int32(SHUT_RDWR)) }

  /// Kills the plugin and everything it started, and waits until nothing is left.
  ///
  /// - Throws: ``SandboxError/Code/unreapable`` when something survives until the deadline.
  @discardableResult
  public func kill(within deadline: Duration = .seconds(5)) async throws(SandboxError) -> ExitStatus {
    if let status = exitStatus() { return try await settled(status) }
    try await Blocking.run { [self] () throws(SandboxError) -> Void in
      cgroup.kill()
      _ = berth_pidfd_send_signal(pidfd, SIGKILL)
      // An unprivileged daemon may not signal another user; the end of the control socket reaches the init anyway.
      shutdown(control, Int32(SHUT_WR))
      guard waitReadable(within: deadline) else {
        throw SandboxError(
          .unreapable, "plugin instance \(instance) survives SIGKILL: a process hangs inside the kernel",
          hint: "Look for a dead network mount or disk (ps -eo pid,stat,wchan shows state D); its user id \(uid) and "
            + "cgroup stay reserved until it ends")
      }
    }
    return try await settled(exitStatus() ?? .killed)
  }

  private func settled(_ status: ExitStatus) async throws(SandboxError) -> ExitStatus {
    try await Blocking.run { [self] () throws(SandboxError) -> Void in try removeCgroup() }
    return status
  }

  private func removeCgroup() throws(SandboxError) {
    guard cgroup.exists, state.withLock({ !$0.closed }), !cgroup.isRemoved else { return }
    do throws(SandboxError) { try Launcher.remove(instance, scope: scope, transport: transport) } catch {
      // The sandbox's init has ended, and with it all of its processes; the group says the same. Without a launcher only
      // the empty group is left, for the next one that answers.
      guard error.code == .launcherUnavailable, !cgroup.isPopulated else { throw error }
      removals.later(LeafRemovals.Leaf(instance: instance))
    }
    cgroup.markRemoved()
  }

  /// Whether the launcher server that started it has died since: its service manager then ends what it had started, so
  /// such an end says nothing about the plugin. Blocks for a moment.
  public func hasLostLauncher() -> Bool {
    guard case .server = transport, server != 0 else { return false }
    do throws(SandboxError) { return try LauncherConnection(transport).server != server } catch {
      return error.code == .launcherUnavailable
    }
  }

  func waitReadable(within deadline: Duration) -> Bool {
    var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
    let (seconds, fraction) = deadline.components
    let milliseconds = Int32(clamping: seconds * 1000 + fraction / 1_000_000_000_000_000)
    return poll(&watched, 1, milliseconds) > 0
  }

  /// Waits until the sandbox is gone and tells how the plugin ended.
  public func waitForExit() async -> ExitStatus {
    await Blocking.run { [self] () -> Void in
      var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
      while poll(&watched, 1, -1) < 0 && errno == EINTR {}
    }
    return exitStatus() ?? .killed
  }

  /// The status if the plugin has ended, without waiting. Call it when `pidfd` turns readable.
  public func exitStatus() -> ExitStatus? {
    state.withLock { state in
      if let status = state.status { return status }
      if state.closed { return .killed }
      var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
      guard poll(&watched, 1, 0) > 0 else { return nil }
      var end = berth_exit()
      _ = berth_pidfd_reap(pidfd, &end)  // a child of ours in exec mode, of the server otherwise
      let (status, full) = reportedStatus() ?? (.killed, nil)
      state.status = status
      state.limit = status.limitHit ?? cgroup.limitHit() ?? (status == .exited(0) ? nil : full) ?? state.limit
      return status
    }
  }

  /// What the sandbox's init said about the plugin's end, if it could: the status, and the place that had no room left.
  private func reportedStatus() -> (ExitStatus, LimitHit?)? {
    var message = bl_exit()
    let size = MemoryLayout<bl_exit>.size
    guard recv(control, &message, size, Self.quietly) == size else { return nil }
    var (code, signal): (Int32, Int32) = (0, 0)
    guard bl_exit_decode(&message, &code, &signal) == 1 else { return nil }
    var full: LimitHit?
    if message.full & BL_FULL_TMP.rawValue != 0 { full = .temporarySpace }
    // Without an image it is the host's disk that is full, not a limit that was reached.
    if message.full & BL_FULL_STATE.rawValue != 0, plan.stateImage != nil { full = .stateSpace }
    return (signal != 0 ? .signalled(signal) : .exited(code), full)
  }

  /// The resource limit that this instance has run into, if any.
  ///
  /// While it runs, its open descriptors and the time that its processor limit took from it count as well: what hangs
  /// for want of them does not end by itself. Ask before killing it.
  public func limitHit() -> LimitHit? {
    state.withLock { state in
      if state.status != nil || state.closed { return state.limit }
      state.limit = cgroup.limitHit() ?? heldUp() ?? state.limit
      return state.limit
    }
  }

  /// Whether and why the plugin has less of the processor than planned, because it goes on asking for processes.
  public var holdBack: HoldBack? { ForkWatch.shared.holdBack(of: cgroup) }

  /// Has `told` called when the plugin is held back, and with nil when it has its share back; it must not block.
  public func whenHeldBack(_ told: @escaping @Sendable (HoldBack?) -> Void) {
    ForkWatch.shared.tell(cgroup, told)
  }

  /// The limit that a running plugin may be waiting at.
  private func heldUp() -> LimitHit? {
    let plugins = ObservedProcess(pid: pid)?.children ?? []
    let limit = Int(plan.effectiveLimits.descriptors)
    let full = plugins.contains { (ObservedProcess(pid: $0)?.descriptorCount ?? 0) >= limit }
    if full { return .descriptors }
    return cgroup.heldBack >= .seconds(1) ? .cpu : nil
  }

  /// Closes the descriptors and removes the cgroup in the background. A plugin that still runs ends. Safe to repeat.
  public func close() {
    _ = exitStatus()
    let first = state.withLock { state in
      defer { state.closed = true }
      return !state.closed
    }
    guard first else { return }
    relay?.stop()
    let ended = state.withLock { $0.status != nil }
    if !ended {
      cgroup.kill()
      _ = berth_pidfd_send_signal(pidfd, SIGKILL)
    }
    let descriptors = [standardInput, standardOutput, standardError, control, notifications]
    for descriptor in descriptors where descriptor >= 0 { _ = Glibc.close(descriptor) }
    let needsRemoval = cgroup.exists && !cgroup.isRemoved
    ForkWatch.shared.remove(cgroup)
    cgroup.close()
    let (pidfd, instance, removals) = (pidfd, instance, removals)
    guard !ended || needsRemoval else {
      _ = Glibc.close(pidfd)
      return
    }
    Blocking.detach {
      if !ended {
        var end = berth_exit()
        _ = berth_pidfd_wait(pidfd, &end)
      }
      _ = Glibc.close(pidfd)
      if needsRemoval { removals.remove(instance) }
    }
  }
}
