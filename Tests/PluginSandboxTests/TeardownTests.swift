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
    let process = try await fixture.launcher.launch(plan)
    var first = [UInt8](repeating: 0, count: 6)
    _ = berth_set_nonblocking(process.standardOutput, 0)
    #expect(read(process.standardOutput, &first, 6) == 6)
    let begun = berth_monotonic_ns()
    #expect(try await process.kill() == .killed)
    #expect(await Fixture.drain(process.standardOutput) == "")
    print("500 processes gone after \((berth_monotonic_ns() - begun) / 1000) µs")
    // Nothing of it runs any more; the kernel may still be reaping what it has killed.
    for _ in 0..<200 where Self.processes(of: plan.uid) != 0 { await Blocking.run { _ = usleep(20_000) } }
    #expect(Self.processes(of: plan.uid) == 0)
    process.close()
  }

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
    let cycles = getenv("BERTH_CYCLES").flatMap { Int(String(cString: $0)) } ?? 100
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\necho ready\nsleep 1000\n")
    var plan = fixture.plan("run.sh")
    plan.uid = 654_400
    try await Self.cycle(fixture, plan)
    let before = Self.census(fixture)
    // Every tenth with a state of its own, which is a loop device and a mount more.
    var stateful = plan
    if StateImage.isAvailable() {
      let image = fixture.directory + "/state.img"
      try StateImage.prepare(image, size: 8 << 20, owner: plan.uid)
      stateful.stateImage = image
    }
    for number in 0..<cycles { try await Self.cycle(fixture, number % 10 == 0 ? stateful : plan) }
    for _ in 0..<200 where Self.census(fixture) != before { await Blocking.run { _ = usleep(20_000) } }
    #expect(Self.census(fixture) == before)
    #expect(Self.processes(of: plan.uid) == 0)
  }

  private static func cycle(_ fixture: Fixture, _ plan: LaunchPlan) async throws {
    let process = try await fixture.launcher.launch(plan)
    try await process.attest()
    try await process.kill()
    process.close()
  }

  /// Descriptors of this process, mounts and control groups of the fixture, loop devices with its files. Others mount
  /// things of their own on this machine meanwhile.
  private static func census(_ fixture: Fixture) -> [Int] {
    let mounts = (SmallFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n")
    return [
      entries("/proc/self/fd"), mounts.count { $0.contains(fixture.directory) },
      ControlGroups.leaves(scope: fixture.launcher.scope).count,
      (0..<256).count {
        (SmallFile.read("/sys/block/loop\($0)/loop/backing_file") ?? "").hasPrefix(fixture.directory)
      },
    ]
  }

  private static func entries(_ path: String) -> Int {
    guard let directory = opendir(path) else { return 0 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) { count += entry.pointee.d_type == UInt8(DT_REG) ? 0 : 1 }
    return count
  }

  private static func processes(of uid: UInt32) -> Int {
    guard let directory = opendir("/proc") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let pid = Int32(name), ObservedProcess(pid: pid)?.ids("Uid").contains(uid) == true { count += 1 }
    }
    return count
  }
}
