// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CSeccomp
import CShims
import Glibc
import TestSupport
import Testing

@testable import PluginSandbox

/// Every system call of a set-up, failed by itself: the plugin does not start, or it is confined all the same and the
/// call is one of those that nothing depends on.
///
/// What calls there are is recorded from a start in which nothing fails, so that none is forgotten. `scripts/test` tries
/// a seeded choice of them, BERTH_SOAK=1 all.
@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(15)), .serialized)
struct CallSweepTests {
  /// A call as the tracer writes it: its name, its first two arguments, the path it names.
  struct Call: Hashable {
    var name: String
    var arguments: [Int]
    var path: String

    init?(_ line: Substring) {
      let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
      guard words.count == 4, let number = Int32(words[0]) else { return nil }
      let text = seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number)
      defer { free(text) }
      name = text.map { String(cString: $0) } ?? "\(number)"
      arguments = words[1...2].compactMap { Int($0) }
      path = String(words[3])
    }
  }

  /// Calls whose failure changes nothing about the confinement, and why.
  static let harmless: [(why: String, names: Set<String>, among: @Sendable (Call) -> Bool)] = [
    (
      "the kernel never fails them",
      ["exit_group", "geteuid", "getegid", "getpid", "getppid", "getuid", "set_tid_address", "umask"], { _ in true }
    ),
    ("what stays open is closed by exec or with the process, and attested", ["close"], { _ in true }),
    (
      "only time depends on where a start runs", ["sched_getaffinity", "sched_setaffinity", "sched_setattr", "getcpu"],
      { _ in true }
    ),
    // All calls of this kind at once do matter: FaultTests.
    ("the C library's own, around the change of ids", ["rt_sigprocmask"], { _ in true }),
    ("SIGPIPE: what is sent says that it wants none", ["rt_sigaction"], { $0.arguments.first == Int(SIGPIPE) }),
    ("the C library's second time: open(2) has set it", ["fcntl"], { $0.arguments.last == Int(F_SETFD) }),
    ("a read that waits follows", ["poll", "ppoll"], { _ in true }),
    ("the helper's end: it goes with the worker", ["wait4"], { _ in true }),
    ("the name of init in lists: PR_SET_NAME", ["prctl"], { $0.arguments.first == 15 }),
    ("the short way to a directory: the long one follows", ["openat2"], { !$0.path.hasPrefix("/") }),
    ("where the broker's program is: its requests fail then", ["readlinkat"], { $0.path == "self/exe" }),
    ("by these init tells a full place", ["open", "openat"], { ["/state", "/tmp"].contains($0.path) }),
    (
      "by these the daemon kills sooner", ["openat"],
      { ["cgroup.kill", "cpu.max", "cpu.cfs_quota_us"].contains($0.path) }
    ),
    // A hierarchy that cannot be opened is like one that is not there: required layers are missing then, these are not.
    (
      "processor share and device group are no required layers", ["open", "openat", "fstatfs"],
      { $0.path.hasPrefix("/sys/fs/cgroup/cpu") || $0.path == "/sys/fs/cgroup/devices" }
    ),
    (
      "what the unified hierarchy does not say that it has is looked for in version 1, and required",
      ["open", "openat", "read", "fstatfs"],
      { $0.path.hasSuffix("cgroup.controllers") || ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].contains($0.path) }
    ),
    (
      "an idmapped mount's helper waits for its end: who does not wait is not there when its map is written, a failure",
      ["read"], { $0.path.hasPrefix("socket:") }
    ),
    (
      "not every kernel has them", ["faccessat"],
      { ["io.bfq.weight", "io.weight", "memory.swap.max"].contains($0.path) }
    ),
  ]

  private static func trace(_ fixture: Fixture) async throws -> String {
    let program = fixture.directory + "/nth"
    let built = await Blocking.run {
      system("cc -std=gnu17 -O1 -w -static -o \(program) \(HostilePlugin.sources)/nth.c")
    }
    try #require(built == 0)
    return program
  }

  private static func start(
    _ fixture: Fixture, _ tracer: [String], _ plan: LaunchPlan
  ) async throws(SandboxError) -> SandboxedProcess {
    guard case .program(let path, let prefix) = fixture.launcher.transport else {
      throw SandboxError(.invalidPlan, "the sweep needs a program")
    }
    let launcher = Launcher(
      transport: .program(path: path, prefix: tracer + prefix), scope: fixture.launcher.scope)
    return try await launcher.launch(plan)
  }

  @Test(arguments: [LaunchPlan.Mode.privileged, .unprivileged])
  func noCallOfTheSetUpMayFailUnnoticed(_ mode: LaunchPlan.Mode) async throws {
    let fixture = try mode == .privileged ? Fixture() : UnprivilegedTests.fixture()
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    var plan = try mode == .privileged ? fixture.richPlan("run.sh") : fixture.plan("run.sh")
    if mode == .unprivileged {
      plan = LaunchPlan(
        instance: "u", mode: mode, bundle: plan.bundle, executable: plan.executable, uid: 65_532)
      plan.permissions.network = .endpoints([NetworkEndpoint(host: "127.0.0.1", port: "4001")])
    }
    let seed = getenv("BERTH_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64(bitPattern: berth_realtime_ns())
    print("the sweep's seed (BERTH_SEED) is \(seed)")
    let tracer = try await Self.trace(fixture)
    let log = fixture.directory + "/calls"
    let whole = try await Self.start(fixture, [tracer, log, "-1", "0", "0"], plan)
    try await whole.attest()
    // Before the launcher is asked to take the group away.
    let recorded = (SmallFile.read(log) ?? "").split(separator: "\n")
    try await whole.kill()
    whole.close()
    var counts: [Int32: Int] = [:]
    for line in recorded {
      if let number = line.split(separator: " ").first.flatMap({ Int32($0) }) { counts[number, default: 0] += 1 }
    }
    try #require(recorded.count > 100 && counts.count > 25, "\(recorded.count) calls of \(counts.count) kinds")
    var all = counts.sorted { $0.key < $1.key }.flatMap { number, count in (1...count).map { (number, $0) } }
    if getenv("BERTH_SOAK") == nil {
      // The first of each kind always, and some of the others.
      var generator = SeededGenerator(seed: seed)
      let others = all.filter { $0.1 > 1 }.shuffled(using: &generator).prefix(60)
      all = all.filter { $0.1 == 1 } + others
    }
    for (number, nth) in all {
      try await Self.fail(number, nth, fixture, tracer, plan)
    }
    var left = Self.traced(by: tracer)
    for _ in 0..<100 where !left.isEmpty {
      await Blocking.run { _ = usleep(100_000) }
      left = Self.traced(by: tracer)
    }
    #expect(left == [], "a failed start has left a process behind")
  }

  /// The tracers that still run, by what they make fail; each ends with the last process of its start.
  private static func traced(by tracer: String) -> [String] {
    (DirectoryNames.read("/proc") ?? []).compactMap { pid in
      guard Int32(pid) != nil, let line = SmallFile.read("/proc/\(pid)/cmdline"), line.hasPrefix(tracer) else {
        return nil
      }
      return line.split(separator: "\0").prefix(4).joined(separator: " ")
    }
  }

  private static func fail(
    _ number: Int32, _ nth: Int, _ fixture: Fixture, _ tracer: String, _ plan: LaunchPlan
  ) async throws {
    // Its own: what an earlier case has its launcher take away meanwhile is traced too, and writes there.
    let log = fixture.directory + "/failed-\(number)-\(nth)"
    let process: SandboxedProcess
    do throws(SandboxError) {
      process = try await start(fixture, [tracer, log, "\(number)", "\(nth)", "\(EPERM)"], plan)
    } catch {
      #expect([.stepFailed, .layerMissing, .launcherUnavailable].contains(error.code), "\(error)")
      return
    }
    let attestation = await Blocking.run { Attestation(of: process) }
    let failed = (SmallFile.read(log) ?? "").split(separator: "\n").first.flatMap { Call($0) }
    defer { process.close() }
    // Killed by its filter between its report and its first instruction: it never began, and its end is told.
    if !attestation.differences.isEmpty, await Blocking.run({ process.waitReadable(within: .seconds(2)) }) { return }
    // Its launcher is made to fail too.
    _ = try? await process.kill()
    // Which processes run at once may change from start to start: then it was not made.
    guard let failed else { return }
    let isKnown = Self.harmless.contains { $0.names.contains(failed.name) && $0.among(failed) }
    #expect(isKnown, "started although \(failed) failed (the call \(nth) of its kind)")
    #expect(attestation.differences == [], "\(failed)")
  }
}
