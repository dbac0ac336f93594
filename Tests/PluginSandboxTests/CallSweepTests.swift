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
  /// A call as the tracer writes it: its name, its first argument, the path it names.
  struct Call: Hashable {
    var name: String
    var argument: String
    var path: String

    init?(_ line: Substring) {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count == 3, let number = Int32(words[0]) else { return nil }
      name = seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number).map { name in
        defer { free(name) }
        return String(cString: name)
      } ?? "\(number)"
      (argument, path) = (String(words[1]), String(words[2]))
    }
  }

  /// Calls whose failure changes nothing about the confinement, with the reason; without a path all calls of that name.
  static let harmless: [(name: String, path: String?, why: String)] = [
    ("close", nil, "what stays open is closed by exec or with the process"),
    ("sched_getaffinity", nil, "only time depends on where a start runs"),
    ("sched_setaffinity", nil, "only time depends on where a start runs"),
    ("getcpu", nil, "only time depends on where a start runs"),
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
    try await whole.kill()
    whole.close()
    let recorded = (SmallFile.read(log) ?? "").split(separator: "\n")
    var counts: [Int32: Int] = [:]
    for line in recorded {
      if let number = line.split(separator: " ").first.flatMap({ Int32($0) }) { counts[number, default: 0] += 1 }
    }
    try #require(recorded.count > 200 && counts.count > 30, "\(recorded.count) calls of \(counts.count) kinds")
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
  }

  private static func fail(
    _ number: Int32, _ nth: Int, _ fixture: Fixture, _ tracer: String, _ plan: LaunchPlan
  ) async throws {
    let log = fixture.directory + "/failed"
    unlink(log)
    let process: SandboxedProcess
    do throws(SandboxError) {
      process = try await start(fixture, [tracer, log, "\(number)", "\(nth)", "\(EPERM)"], plan)
    } catch {
      #expect([.stepFailed, .layerMissing, .launcherUnavailable].contains(error.code), "\(error)")
      return
    }
    let differences = await Blocking.run { Attestation(of: process).differences }
    let failed = (SmallFile.read(log) ?? "").split(separator: "\n").first.flatMap { Call($0) }
    _ = try? await process.kill()
    process.close()
    // Which processes run at once may change from start to start: then it was not made.
    guard let failed else { return }
    let isKnown = harmless.contains { $0.name == failed.name && ($0.path == nil || $0.path == failed.path) }
    #expect(isKnown, "started although \(failed) failed (the call \(nth) of its kind)")
    #expect(differences == [], "\(failed)")
  }
}
