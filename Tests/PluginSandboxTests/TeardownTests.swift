// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Testing

@testable import PluginSandbox

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(2)), .serialized)
struct TeardownTests {
  @Test func terminateReachesThePluginAndItsHandlerRuns() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\ntrap 'echo bye; exit 7' TERM\necho ready\nwhile :; do read x; done\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    var first = [UInt8](repeating: 0, count: 6)
    _ = berth_set_nonblocking(process.standardOutput, 0)
    #expect(read(process.standardOutput, &first, 6) == 6)
    process.terminate()
    #expect(await Fixture.drain(process.standardOutput) == "bye\n")
    #expect(await process.waitForExit() == .exited(7))
    try await process.kill()
    process.close()
  }

  @Test func killTakesDaemonisedGrandchildrenThatIgnoreSignals() async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.sh",
      "#!/bin/sh\ntrap '' TERM HUP INT\nfor i in $(seq 20); do (setsid sh -c 'trap \"\" TERM; sleep 1000' &) ; done\necho ready\nsleep 1000\n"
    )
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    var first = [UInt8](repeating: 0, count: 6)
    _ = berth_set_nonblocking(process.standardOutput, 0)
    #expect(read(process.standardOutput, &first, 6) == 6)
    process.terminate()
    #expect(try await process.kill() == .killed)
    // Nobody holds the pipe any more.
    #expect(await Fixture.drain(process.standardOutput) == "")
    process.close()
  }

  @Test func aGrandchildThatOutlivesThePluginIsGoneWithIt() async throws {
    let fixture = try Fixture()
    let result = try await fixture.run("(setsid sleep 1000 &); echo done")
    #expect(result.output == "done\n")
    #expect(result.status == .exited(0))
  }

  @Test func theMemoryLimitIsNamedWhenItKills() async throws {
    let fixture = try Fixture()
    fixture.write("run.py", "#!/usr/bin/python3\nx = bytearray(512 << 20)\nprint(len(x))\n")
    var plan = fixture.plan("run.py")
    plan.limits.memory = 64 << 20
    let process = try await fixture.launcher.launch(plan)
    #expect(await Fixture.drain(process.standardOutput) == "")
    _ = await process.waitForExit()
    #expect(process.limitHit() == .memory)
    try await process.kill()
    process.close()
  }

  @Test func leftoversOfACrashedDaemonAreSwept() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\necho ready\nsleep 1000\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    try await fixture.launcher.removeLeftovers()
    #expect(await process.waitForExit() == .killed)
    process.close()
    #expect(access("/sys/fs/cgroup/pids/berth/\(fixture.launcher.scope)", F_OK) != 0)
  }

  @Test func closingTheLastHandleEndsThePlugin() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000\n")
    let pidfd: Int32
    do {
      let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
      pidfd = dup(process.pidfd)
    }
    let ended = await Blocking.run {
      var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
      return poll(&watched, 1, 10_000)
    }
    #expect(ended == 1)
    close(pidfd)
  }
}
