// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import TestSupport
import Testing

@testable import PluginSandbox

/// A host that has control groups of version 1 only: here by hiding the unified hierarchy from the launcher, in the guest
/// for real.
@Suite(
  .enabled(
    if: Fixture.isRoot && access("/sys/fs/cgroup/pids/cgroup.procs", F_OK) == 0,
    "needs root and version 1 control groups"),
  .timeLimit(.minutes(3)), .serialized)
struct VersionOneTests {
  private static let unified = "/sys/fs/cgroup/unified"
  private static let prefix =
    access("\(unified)/cgroup.procs", F_OK) == 0
    ? ["/usr/bin/unshare", "-m", "/bin/sh", "-c", "umount -l \(unified) && exec \"$@\"", "sh"] : []

  /// A launcher program, or a server, that sees version 1 only.
  private struct Host {
    var fixture: Fixture
    var server: ServerFixture?

    init(isServer: Bool) async throws {
      server = isServer ? try await ServerFixture(prefix: { _ in VersionOneTests.prefix }) : nil
      fixture =
        try server?.fixture ?? Fixture(transport: .program(path: Fixture.program, prefix: VersionOneTests.prefix))
    }
  }

  /// Waits for a line that the plugin prints when it is ready.
  private func awaitLine(_ process: SandboxedProcess) {
    _ = berth_set_nonblocking(process.standardOutput, 0)
    var byte: UInt8 = 0
    while read(process.standardOutput, &byte, 1) == 1, byte != 10 {}
  }

  @Test(arguments: [false, true]) func aPluginStartsWithAllItsLayersAndLeavesNothing(_ isServer: Bool) async throws {
    let host = try await Host(isServer: isServer)
    #expect(try await host.fixture.launcher.probe().isSufficient)
    host.fixture.write("run.sh", "#!/bin/sh\n(trap '' TERM; setsid sleep 1000 &)\necho ready\nsleep 1000\n")
    let process = try await host.fixture.launcher.launch(host.fixture.plan("run.sh"))
    #expect(process.layers.isSuperset(of: .requiredWhenPrivileged))
    awaitLine(process)
    let leaves = ControlGroups.leaves(scope: host.fixture.launcher.scope)
    #expect(leaves.allSatisfy { $0.hasSuffix("/\(process.instance)") && !$0.hasPrefix(Self.unified) }, "\(leaves)")
    for controller in ["memory", "pids", "cpu", "freezer"] {
      #expect(leaves.contains { $0.hasPrefix("/sys/fs/cgroup/\(controller)") }, "\(controller): \(leaves)")
    }
    try await process.attest()
    #expect(!"\(process.score().deductions)".contains("group"), "\(process.score().deductions)")
    #expect(process.cgroup.exists && process.cgroup.isPopulated && process.cgroup.canBeHeldBack)
    #expect(UsedIDs.ofGroups()?.contains(process.uid) == true)
    #expect(try await process.kill() == .killed)
    process.close()
    #expect(await eventually { ControlGroups.leaves(scope: host.fixture.launcher.scope) == [] })
    #expect(UsedIDs.ofGroups()?.contains(process.uid) == false)
    host.server?.stop()
  }

  @Test(arguments: [LimitHit.memory, .processes]) func theLimitThatStopsThePluginIsNamed(_ limit: LimitHit) async throws
  {
    let host = try await Host(isServer: false)
    let programs: [LimitHit: String] = [
      .memory: "x = bytearray(400 << 20)",
      .processes: "import os, time\nfor _ in range(100):\n    if os.fork() == 0:\n        time.sleep(60)\n",
    ]
    host.fixture.write("run.py", "#!/usr/bin/python3\n\(programs[limit] ?? "")\n")
    var plan = host.fixture.plan("run.py", uid: 654_340)
    plan.limits.memory = 64 << 20
    plan.limits.processes = 20
    let process = try await host.fixture.launcher.launch(plan)
    #expect(await process.waitForExit() != .exited(0))
    #expect(process.limitHit() == limit)
    try await process.kill()
    process.close()
  }

  @Test func leftoversOfACrashedDaemonAreSwept() async throws {
    let host = try await Host(isServer: false)
    host.fixture.write("run.sh", "#!/bin/sh\n(setsid sleep 1000 &)\nsleep 1000\n")
    let process = try await host.fixture.launcher.launch(host.fixture.plan("run.sh"))
    try await host.fixture.launcher.removeLeftovers()
    #expect(await process.waitForExit() == .killed)
    process.close()
    #expect(ControlGroups.groups(scope: host.fixture.launcher.scope) == [])
  }

  @Test func aBrokersWorkerHasGroupsOfItsOwnAndLeavesNone() async throws {
    let host = try await Host(isServer: false)
    _ = try await host.fixture.launcher.perform(BrokerOperation(.deviceFind), within: .seconds(20))
    #expect(await eventually { ControlGroups.leaves(scope: host.fixture.launcher.scope) == [] })
  }

  /// Processes of no pid namespace that are made faster than anybody can list them: the group is frozen for the while.
  @Test func aForkBombIsKilledToTheLastProcess() async throws {
    let host = try await Host(isServer: false)
    let (scope, name) = (host.fixture.launcher.scope, "bomb.0.1.1")
    let hierarchies = ["pids", "freezer"].map { "/sys/fs/cgroup/\($0)/berth" }
    let directories = hierarchies.map { "\($0)/\(scope)/\(name)" }
    for hierarchy in hierarchies {
      for path in [hierarchy, "\(hierarchy)/\(scope)", "\(hierarchy)/\(scope)/\(name)"] { mkdir(path, 0o755) }
    }
    host.fixture.write(
      "bomb.py",
      """
      #!/usr/bin/python3
      import os, signal, sys
      for group in sys.argv[1:]:
          with open(group + "/cgroup.procs", "w") as file:
              file.write("0")
      with open(sys.argv[1] + "/pids.max", "w") as file:
          file.write("60")
      os.setsid()
      # Every process goes on as its child and ends: nobody is there for long, somebody always.
      for _ in range(20):
          if os.fork() == 0:
              break
      while True:
          try:
              if os.fork() != 0:
                  os._exit(0)
          except BlockingIOError:
              pass
      """)
    let script = "\(host.fixture.bundle)/bomb.py \(directories.joined(separator: " ")) >/dev/null 2>&1 &"
    #expect(await Blocking.run { system(script) } == 0)
    let procs = directories[0] + "/cgroup.procs"
    func count() -> Int { (SmallFile.read(procs) ?? "").split(separator: "\n").count }
    try #require(await eventually { count() > 5 }, "INCONCLUSIVE: there is no bomb")
    let transport = host.fixture.launcher.transport
    try await Blocking.run { () throws(SandboxError) -> Void in
      try Launcher.remove(name, scope: scope, transport: transport)
    }
    #expect(directories.allSatisfy { access($0, F_OK) != 0 })
  }
}
