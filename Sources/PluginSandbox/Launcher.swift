// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// Starts confined plugins through the `berth-launcher` program.
public actor Launcher {
  /// How the launcher is reached.
  public enum Transport: Sendable, Hashable {
    /// Run this program once for every plugin, behind an optional command prefix (tests run it as another user).
    case program(path: String, prefix: [String] = [])
    /// Talk to the long-lived launcher server on this socket.
    case server(socket: String)
  }

  public nonisolated let transport: Transport
  /// Names this daemon's part of the cgroup tree; two daemons on one machine need two scopes.
  public nonisolated let scope: String
  /// Whether plans in learning mode are accepted: in a vendor's tools, never in a daemon.
  public nonisolated let allowsLearning: Bool
  nonisolated let removals: LeafRemovals
  private var count: UInt64 = 0
  private static let deadline = Duration.seconds(30)

  /// - Parameters:
  ///   - scope: `[A-Za-z0-9._-]{1,64}`, not beginning with a dot; keep it the same across restarts, so
  ///     that ``removeLeftovers()`` finds what a crash left.
  ///   - allowsLearning: accepts plans in learning mode, whose refused calls are noted and partly let pass.
  public init(transport: Transport, scope: String = "default", allowsLearning: Bool = false) {
    self.transport = transport
    self.allowsLearning = allowsLearning
    self.scope = scope
    removals = LeafRemovals(scope: scope, transport: transport)
  }

  /// The program beside the running executable, or the one that `BERTH_LAUNCHER` names (development only).
  public static func defaultProgram() throws(SandboxError) -> String {
    if let named = getenv("BERTH_LAUNCHER") { return String(cString: named) }
    guard let own = realpath("/proc/self/exe", nil) else {
      throw SandboxError(.launcherUnavailable, "the daemon's own path is not readable", errno: errno)
    }
    defer { free(own) }
    let directory = String(cString: own).split(separator: "/").dropLast().joined(separator: "/")
    for candidate in ["/\(directory)/berth-launcher", "/usr/libexec/berth/berth-launcher"]
    where access(candidate, X_OK) == 0 {
      return candidate
    }
    throw SandboxError(
      .launcherUnavailable, "berth-launcher is neither in /\(directory) nor in /usr/libexec/berth",
      hint: "Install it there, or name it in BERTH_LAUNCHER")
  }

  /// The scope of the daemon with that state directory (absolute): another state directory is another daemon.
  public static func scope(stateDirectory: String) -> String {
    if stateDirectory == "/var/lib/berth" { return "default" }
    return "d" + String(InstanceName.fnv1a(stateDirectory), radix: 36)
  }

  /// Starts one plugin with every layer in force, or throws without having started it.
  public func launch(_ plan: LaunchPlan) async throws(SandboxError) -> SandboxedProcess {
    if plan.learning, !allowsLearning {
      throw SandboxError(
        .invalidPlan, "plugin instance \(plan.instance) was to start in learning mode, which confines less",
        hint: "Learning mode is for vendors: berth plugin learn BUNDLE")
    }
    count += 1
    var plan = plan
    if plan.mode == .unprivileged, geteuid() != 0 { plan.uid = geteuid() }
    // A leaf is made new for every start: a name is never used twice, even when an earlier instance cannot die.
    plan.instance = try InstanceName.unique(plan.instance, uid: plan.uid, count)
    let (unique, transport, scope, removals) = (plan, transport, scope, removals)
    return try await Blocking.run { () throws(SandboxError) -> SandboxedProcess in
      try removals.settle(unique.holder)
      // A file that is replaced (by `ldconfig`, for one) after it was opened cannot be mounted any more; the new one can.
      for _ in 0..<2 {
        do throws(SandboxError) { return try Self.start(unique, removals, transport: transport, scope: scope) } catch {
          guard error.errno == ENOENT, error.step?.hasPrefix("mount ") == true else { throw error }
        }
      }
      return try Self.start(unique, removals, transport: transport, scope: scope)
    }
  }

  /// A name for a broker's worker that no other has had in this launcher's life.
  func nextBrokerInstance() throws(SandboxError) -> String {
    count += 1
    return try InstanceName.unique("broker", uid: 0, count)
  }

  /// Kills what an earlier daemon left behind (crash) and removes its cgroups; to be called once at start.
  public func removeLeftovers() async throws(SandboxError) {
    let (transport, scope) = (transport, scope)
    try await Blocking.run { () throws(SandboxError) -> Void in
      let request = try LaunchRequest(operation: BL_OP_SWEEP, scope: scope)
      _ = try Self.ask(transport, request, patience: LauncherConnection.patience)
    }
  }

  /// What this machine offers through this launcher.
  public func probe() async throws(SandboxError) -> CapabilityReport {
    let transport = transport
    return try await Blocking.run { () throws(SandboxError) -> CapabilityReport in
      let reply = try Self.ask(
        transport, try LaunchRequest(operation: BL_OP_PROBE), patience: LauncherConnection.patience)
      let kinds = reply.raw.broker_kinds
      return CapabilityReport(
        available: SandboxLayers(rawValue: reply.raw.layers), landlockABI: reply.raw.landlock_abi,
        operations: Set(BrokerOperation.Kind.allCases.filter { kinds >> $0.rawValue & 1 == 1 }))
    }
  }

  static func ask(
    _ transport: Transport, _ request: borrowing LaunchRequest, patience: Duration = .zero
  ) throws(SandboxError) -> LauncherConnection.Reply {
    let reply = try LauncherConnection(transport, patience: patience).exchange(
      request, descriptors: [], deadline: deadline)
    for descriptor in reply.descriptors { close(descriptor) }
    if reply.isFailure { throw failure(reply.raw, required: []) }
    return reply
  }

  /// Removes an instance's cgroup; kills what is still in it.
  static func remove(_ instance: String, scope: String, transport: Transport) throws(SandboxError) {
    _ = try ask(transport, try LaunchRequest(operation: BL_OP_KILL, scope: scope, instance: instance))
  }

  private static func start(
    _ plan: LaunchPlan, _ removals: LeafRemovals, transport: Transport, scope: String
  ) throws(SandboxError) -> SandboxedProcess {
    let endpoints = try EndpointResolver.resolve(plan.permissions.network)
    let mounts = try MountTable(plan, endpoints: endpoints)
    let request = try LaunchRequest(plan, scope: scope, endpoints: endpoints, mounts: mounts)
    let filter = try SeccompProfile(permissions: plan.permissions)
      .sealedFile(fallback: plan.learning ? .notify : .refuse)
    let input = try DescriptorPair.pipe()
    let output = try DescriptorPair.pipe()
    let errors = try DescriptorPair.pipe()
    let control = try DescriptorPair.socket()
    for end in [input.second.value, output.first.value, errors.first.value, control.first.value] {
      _ = berth_set_nonblocking(end, 1)
    }
    let image = try plan.stateImage.map { path throws(SandboxError) in try StateImage.open(path) }
    let given = [input.first.value, output.second.value, errors.second.value, control.second.value, filter]
    let sent = image.map { given + [$0] } ?? given
    defer { if let image { close(image) } }
    let connection = try LauncherConnection(transport, patience: LauncherConnection.patience)
    let reply: LauncherConnection.Reply
    do throws(SandboxError) {
      reply = try connection.exchange(request, descriptors: sent, deadline: deadline)
    } catch {
      // A launcher that died in the middle has cleaned up nothing. What it had started ends with our control socket.
      do throws(SandboxError) { try remove(plan.instance, scope: scope, transport: transport) } catch {
        removals.later(LeafRemovals.Leaf(instance: plan.instance, holder: plan.holder))
      }
      throw error
    }
    guard !reply.isFailure, let pidfd = reply.descriptor(BL_RFD_PIDFD) else {
      if let pidfd = reply.descriptor(BL_RFD_PIDFD) { Self.finish(pidfd) }
      for descriptor in reply.descriptors { close(descriptor) }
      throw failure(reply.raw, required: plan.required)
    }
    return SandboxedProcess(
      plan: plan, removals: removals, scope: scope, transport: transport, server: connection.server, reply: reply,
      pidfd: pidfd, input: input.second.take(), output: output.first.take(), errors: errors.first.take(),
      control: control.first.take(), endpoints: endpoints, mounts: mounts)
  }

  /// The launcher has killed what it had begun; in exec mode it is our child to collect.
  private static func finish(_ pidfd: Int32) {
    var end = berth_exit()
    _ = berth_pidfd_wait(pidfd, &end)
  }

  static func failure(_ raw: bl_reply, required: SandboxLayers) -> SandboxError {
    let detail = withUnsafePointer(to: raw) { String(cString: bl_reply_detail($0)) }
    let step = String(cString: bl_step_name(raw.step)) + (detail.isEmpty ? "" : " \(detail)")
    if raw.step == BL_STEP_LAYERS.rawValue {
      let missing = required.subtracting(SandboxLayers(rawValue: raw.layers).union(.seccomp))
      return SandboxError(
        .layerMissing, "this machine cannot confine the plugin as required: \(missing) missing", step: step,
        hint: missing.remedy)
    }
    return SandboxError(
      .stepFailed, "a step of its confinement failed", step: step, errno: raw.error,
      hint: LaunchHints.hint(step: raw.step, errno: raw.error, detail: detail))
  }
}
