// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import TestSupport
import Testing

@testable import PluginSandbox

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(180)), .serialized)
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

  @Test func theDeathOfTheDaemonEndsThePluginAndItsDaemonisedChildren() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\ntrap '' TERM HUP\n(setsid sleep 1000 &)\nsleep 1000\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    process.abandon()
    #expect(await process.waitForExit() == .killed)
    try await process.kill()
    process.close()
  }

  @Test func fiveHundredHostileProcessesAreGone() async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.py",
      """
      #!/usr/bin/python3
      import os, signal, time
      for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
      for _ in range(250):
          if os.fork() == 0:
              os.setsid()
              os.fork()
              time.sleep(1000)
      print("ready", flush=True)
      time.sleep(1000)
      """)
    var plan = fixture.plan("run.py", uid: 654_500)  // no other test's, so that its processes can be counted
    plan.limits.processes = 600
    plan.limits.memory = 1 << 30
    var times: [Double] = []
    for _ in 0..<5 where (times.min() ?? .infinity) > Self.goneWithin {
      let process = try await fixture.launcher.launch(plan)
      var first = [UInt8](repeating: 0, count: 6)
      _ = berth_set_nonblocking(process.standardOutput, 0)
      #expect(read(process.standardOutput, &first, 6) == 6)
      let begun = berth_monotonic_ns()
      #expect(try await process.kill() == .killed)
      #expect(await Fixture.drain(process.standardOutput) == "")
      times.append(Double(berth_monotonic_ns() - begun) / 1_000_000)
      // Nothing of it runs any more; the kernel may still be reaping what it has killed.
      for _ in 0..<200 where Self.processes(of: plan.uid) != 0 { await Blocking.run { _ = usleep(20_000) } }
      #expect(Self.processes(of: plan.uid) == 0)
      process.close()
    }
    #expect(try #require(times.min()) <= Self.goneWithin, "500 processes gone after \(times) ms")
  }

  /// In milliseconds. Ten times what the benchmark holds: other suites run at the same time.
  private static let goneWithin = 1000.0

  /// The share is lifted with the kill: else each would have to wait for its turn of a few milliseconds to die.
  @Test func whoHasUsedUpItsShareDiesAtOnceToo() async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.py",
      """
      #!/usr/bin/python3
      import os
      for _ in range(20): os.fork() or [None for _ in iter(int, 1)]
      print("ready", flush=True)
      while True: pass
      """)
    var plan = fixture.plan("run.py", uid: 654_502)
    plan.limits.cpuPercent = 10
    let process = try await fixture.launcher.launch(plan)
    var first = [UInt8](repeating: 0, count: 6)
    _ = berth_set_nonblocking(process.standardOutput, 0)
    #expect(read(process.standardOutput, &first, 6) == 6)
    for _ in 0..<500 where process.cgroup.heldBack < .seconds(1) { await Blocking.run { _ = usleep(20_000) } }
    #expect(process.limitHit() == .cpu)
    let quotas = ControlGroups.leaves(scope: fixture.launcher.scope).flatMap { leaf in
      ["cpu.cfs_quota_us", "cpu.max"].map { "\(leaf)/\($0)" }
    }
    let quota = try #require(quotas.first { access($0, F_OK) == 0 })
    #expect(SmallFile.read(quota)?.contains("2000") == true)
    process.cgroup.kill()
    let now = SmallFile.read(quota)
    #expect(now == nil || now == "-1\n" || now?.hasPrefix("max") == true, "\(now ?? "")")
    #expect(try await process.kill() == .killed)
    #expect(process.limitHit() == .cpu, "told afterwards as well")
    process.close()
  }

  @Test func manyCyclesLeaveNothingBehind() async throws {
    let fixture = try Fixture()
    try await Self.repeatCycles(fixture, uid: 654_400) { Self.census(fixture) }
  }

  /// The same through a server, which keeps something ready for the next start: as much of it as before, and no more.
  @Test func manyCyclesThroughTheServerLeaveNothingBehind() async throws {
    let server = try await ServerFixture()
    try await Self.repeatCycles(server.fixture, uid: 654_401) { Self.census(server.fixture) + server.census }
    server.stop()
  }

  /// Starts and kills many sandboxes; the census must come back to what it was after the first.
  private static func repeatCycles(_ fixture: Fixture, uid: UInt32, _ census: () -> [String]) async throws {
    let cycles = getenv("BERTH_CYCLES").flatMap { Int(String(cString: $0)) } ?? 100
    fixture.write("run.sh", "#!/bin/sh\necho ready\nsleep 1000\n")
    let plan = fixture.plan("run.sh", uid: uid)
    for _ in 0..<5 { try await Self.cycle(fixture, plan) }
    let before = await settled(census)
    let descriptors = ownDescriptors
    // Every tenth with a state of its own, which is a loop device and a mount more.
    var stateful = plan
    if StateImage.isAvailable() {
      let image = fixture.directory + "/state.img"
      try StateImage.prepare(image, size: 8 << 20, owner: plan.uid)
      stateful.stateImage = image
    }
    for number in 0..<cycles { try await Self.cycle(fixture, number % 10 == 0 ? stateful : plan) }
    #expect(await eventually { census() == before }, "\(before) before, \(census()) after \(cycles) cycles")
    // The runtime may open one of its own at any time; one a cycle would be thousands.
    #expect(ownDescriptors <= descriptors + 2, "\(descriptors) before")
    #expect(Self.processes(of: plan.uid) == 0)
  }

  private static var ownDescriptors: Int { DirectoryNames.read("/proc/self/fd")?.count ?? 0 }

  /// What the census is once it has stayed the same for half a second.
  private static func settled(_ census: () -> [String]) async -> [String] {
    var (last, calm) = (census(), 0)
    for _ in 0..<500 where calm < 25 {
      await Blocking.run { _ = usleep(20_000) }
      let now = census()
      calm = now == last ? calm + 1 : 0
      last = now
    }
    return last
  }

  private static func cycle(_ fixture: Fixture, _ plan: LaunchPlan) async throws {
    let process = try await fixture.launcher.launch(plan)
    try await process.attest()
    try await process.kill()
    process.close()
  }

  /// Mounts and control groups of the fixture, loop devices with its files. Others mount
  /// things of their own on this machine meanwhile.
  private static func census(_ fixture: Fixture) -> [String] {
    let mounts = (SmallFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n")
    let loops = (0..<256).count {
      (SmallFile.read("/sys/block/loop\($0)/loop/backing_file") ?? "").hasPrefix(fixture.directory)
    }
    return [
      "\(mounts.count { $0.contains(fixture.directory) }) mounts",
      "\(ControlGroups.leaves(scope: fixture.launcher.scope).count) groups", "\(loops) loop devices",
    ]
  }

  private static func processes(of uid: UInt32) -> Int {
    (DirectoryNames.read("/proc") ?? []).compactMap { Int32($0) }
      .count { ObservedProcess(pid: $0)?.ids("Uid").contains(uid) == true }
  }
}
