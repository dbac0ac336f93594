// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

/// The launcher's own sources, built so that what they must not do ends them.
@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(4)), .serialized)
struct LauncherBuildTests {
  /// Starts a plugin with everything and kills it, attested; then what takes no plan.
  private static func exercise(_ fixture: Fixture, _ launcher: Launcher) async throws {
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    for change in [false, true] {
      var plan = change ? fixture.plan("run.sh") : try fixture.richPlan("run.sh")
      // The sanitizers map more than any limit allows.
      plan.limits.addressSpace = nil
      let process = try await launcher.launch(plan)
      try await process.attest()
      try await process.kill()
      process.close()
    }
    #expect(try await launcher.probe().isSufficient)
    let left = try await launcher.launch(fixture.plan("run.sh"))
    try await launcher.removeLeftovers()
    #expect(await left.waitForExit() == .killed)
    left.close()
    // A refusal takes ways of its own.
    var wrong = fixture.plan("missing.sh")
    wrong.instance = "wrong"
    let error = await #expect(throws: SandboxError.self) { _ = try await launcher.launch(wrong) }
    #expect(error?.code == .stepFailed, "\(String(describing: error))")
  }

  @Test func theLauncherAsksForNoMemory() async throws {
    let fixture = try Fixture()
    let source = "\(HostilePlugin.sources)/noalloc.c"
    let control = await Blocking.run {
      system(
        "cc -w -static -DBERTH_CONTROL -o \(fixture.directory)/control \(source) && \(fixture.directory)/control 2>&-")
    }
    #expect(control >> 8 == 86, "positive control: whoever asks for memory is ended")
    let program = try await fixture.buildLauncher("no-memory", "-O1 -static \(source)")
    try await Self.exercise(fixture, Launcher(transport: .program(path: program), scope: fixture.launcher.scope))
    let server = try await ServerFixture { _ in ["/bin/sh", "-c", "shift; exec \(program) \"$@\"", "sh"] }
    try await Self.exercise(server.fixture, server.fixture.launcher)
    server.stop()
  }

  @Test(arguments: [
    ("undefined", "-static -fsanitize=undefined -fsanitize-undefined-trap-on-error"),
    ("address", "-fsanitize=address,undefined -fno-sanitize-recover=all"),
  ])
  func theWholeLauncherRunsUnderTheSanitizers(_ name: String, _ options: String) async throws {
    let fixture = try Fixture()
    let program = try await fixture.buildLauncher(name, "-g -O1 \(options)")
    try await Self.exercise(fixture, Launcher(transport: .program(path: program), scope: fixture.launcher.scope))
    let server = try await ServerFixture { _ in ["/bin/sh", "-c", "shift; exec \(program) \"$@\"", "sh"] }
    try await Self.exercise(server.fixture, server.fixture.launcher)
    server.stop()
  }
}
