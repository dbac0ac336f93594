// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CSeccomp
import CShims
import Glibc
import TestSupport
import Testing

@testable import PluginSandbox

/// A system call of the set-up, made to fail (or to lie) by a filter around the launcher.
struct Fault: Sendable, CustomTestStringConvertible {
  var call: String
  var argument: String = "-"
  var testDescription: String { argument == "-" ? call : "\(call)(\(argument))" }

  /// The launcher in which this call gives that errno; 0 pretends success, -1 kills.
  func prefix(_ fixture: Fixture, errno number: Int32) async throws -> [String] {
    try await prefix(in: fixture.directory, errno: number)
  }

  func prefix(in directory: String, errno number: Int32) async throws -> [String] {
    let program = directory + "/fault"
    let built = await Blocking.run {
      system("cc -std=gnu17 -O1 -w -static -o \(program) \(HostilePlugin.sources)/fault.c")
    }
    try #require(built == 0)
    return [program, "\(seccomp_syscall_resolve_name(call))", "\(number)", argument]
  }
}

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(4)), .serialized)
struct FaultTests {
  static let setUp: [Fault] =
    [
      "capset", "clone", "clone3", "close_range", "dup2", "fchdir", "fcntl", "fsconfig", "fsmount", "fsopen",
      "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "mkdirat", "mknodat", "mount_setattr",
      "move_mount", "open_tree", "openat2", "pipe2", "pivot_root", "pread64", "prlimit64", "recvmsg", "rt_sigprocmask",
      "seccomp", "sendmsg", "setgroups", "sethostname", "setresgid", "setresuid", "setsid", "signalfd4", "socketpair",
      "symlinkat", "umount2", "unshare",
    ].map { Fault(call: $0) }
    + ["4", "24", "28", "38", "47", "65"].map { Fault(call: "prctl", argument: $0) }

  @Test(arguments: setUp) func aFailingStepMeansThatThePluginNeverStarts(_ fault: Fault) async throws {
    let fixture = try Fixture()
    for number in [EPERM, ENOMEM] {
      let prefix = try await fault.prefix(fixture, errno: number)
      let launcher = Launcher(
        transport: .program(path: Fixture.program, prefix: prefix), scope: fixture.launcher.scope)
      fixture.write("run.sh", "#!/bin/sh\necho started\n")
      do throws(SandboxError) {
        let process = try await launcher.launch(fixture.plan("run.sh"))
        let output = await Fixture.drain(process.standardOutput)
        try await process.kill()
        process.close()
        Issue.record("started although \(fault.testDescription) failed: \(output)")
      } catch {
        #expect(
          error.code == .stepFailed || error.code == .layerMissing || error.code == .launcherUnavailable, "\(error)")
      }
    }
  }

  /// One that ends before it has read the request, and one that does nothing at all: neither is left as a zombie.
  @Test(arguments: ["exit 7", "exec sleep 1000"])
  func aLauncherWithoutAnAnswerIsCollected(_ script: String) async throws {
    let fixture = try Fixture()
    let mark = fixture.directory + "/pid"
    let prefix = ["/bin/sh", "-c", "echo $$ > \(mark); \(script)"]
    await Blocking.run {
      for _ in 0..<5 {
        let error = #expect(throws: SandboxError.self) {
          let connection = try LauncherConnection(.program(path: Fixture.program, prefix: prefix))
          // By then the first has ended.
          for _ in 0..<500 where access(mark, F_OK) != 0 { usleep(10_000) }
          usleep(10_000)
          _ = try connection.exchange(
            try LaunchRequest(operation: BL_OP_PROBE), descriptors: [], deadline: .seconds(1))
        }
        #expect(error?.code == .launcherUnavailable, "\(String(describing: error))")
        let pid = SmallFile.read(mark)?.split(separator: "\n").first.flatMap { pid_t($0) } ?? 0
        #expect(pid > 0 && access("/proc/\(pid)", F_OK) != 0, "process \(pid) is still there")
        unlink(mark)
      }
    }
  }

  /// What a server made ahead is entered or nothing starts: no step falls back to the server's own namespaces.
  @Test(arguments: ["mnt": 0x2_0000, "net": 0x4000_0000, "ipc": 0x0800_0000, "uts": 0x0400_0000])
  func aPreparedNamespaceThatCannotBeEnteredMeansThatThePluginNeverStarts(_ kind: (String, Int)) async throws {
    let fault = Fault(call: "setns", argument: "1:\(kind.1)")
    let server = try await ServerFixture { try await fault.prefix(in: $0, errno: EPERM) }
    server.fixture.write("run.sh", "#!/bin/sh\necho started\n")
    var refused: SandboxError?
    // Until something was made ahead, a start makes its own and is complete.
    for _ in 0..<100 where refused == nil {
      do throws(SandboxError) {
        let process = try await server.fixture.launcher.launch(server.fixture.plan("run.sh"))
        try await process.attest()
        try await process.kill()
        process.close()
      } catch {
        refused = error
      }
      await Blocking.run { _ = usleep(20_000) }
    }
    #expect(refused?.code == .stepFailed, "\(String(describing: refused))")
    server.stop()
  }

  /// It can clean up nothing any more: whoever asked for the start does.
  @Test(arguments: ["socketpair", "clone3"].map { Fault(call: $0) })
  func aLauncherThatDiesInTheMiddleLeavesNoGroupBehind(_ fault: Fault) async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000\n")
    let scope = fixture.launcher.scope
    let holder = try await fixture.launcher.launch(fixture.plan("run.sh"))
    let before = ControlGroups.leaves(scope: scope)
    #expect(!before.isEmpty, "positive control: a running plugin's groups are seen")
    let launcher = Launcher(
      transport: .program(path: Fixture.program, prefix: try await fault.prefix(fixture, errno: -1)), scope: scope)
    var plan = fixture.plan("run.sh")
    plan.instance = "dying"
    let error = await #expect(throws: SandboxError.self) { _ = try await launcher.launch(plan) }
    #expect(error?.code == .launcherUnavailable, "\(String(describing: error))")
    #expect(ControlGroups.leaves(scope: scope) == before)
    try await holder.kill()
    holder.close()
  }

  /// What it had started is this process's child, and nobody was told of it: neither is left as a zombie.
  @Test(arguments: [false, true]) func whatADyingLauncherHadStartedIsCollected(_ isBroker: Bool) async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000\n")
    // Its wait for what it has just started; the other side's waits are for two descriptors.
    let fault = Fault(call: "poll", argument: "1:1")
    let launcher = Launcher(
      transport: .program(path: Fixture.program, prefix: try await fault.prefix(fixture, errno: -1)),
      scope: fixture.launcher.scope)
    let before = Self.launched()
    for _ in 0..<3 {
      let error = await #expect(throws: SandboxError.self) {
        if isBroker {
          _ = try await launcher.perform(BrokerOperation(.deviceFind), within: .seconds(5))
        } else {
          _ = try await launcher.launch(fixture.plan("run.sh"))
        }
      }
      #expect([.launcherUnavailable, .interrupted].contains(error?.code), "\(String(describing: error))")
    }
    let isCollected = await eventually { Self.launched().isSubset(of: before) }
    #expect(isCollected, "\(Self.launched().subtracting(before))")
  }

  /// Children of this process that a launcher started or that are one, dead or alive.
  private static func launched() -> Set<pid_t> {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: Set<pid_t> = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let pid = pid_t(name), let text = SmallFile.read("/proc/\(pid)/stat"),
        let end = text.lastIndex(of: ")"), text.contains("(berth-")
      else { continue }
      let fields = text[text.index(after: end)...].split(separator: " ")
      if fields.count > 1, pid_t(fields[1]) == getpid() { found.insert(pid) }
    }
    return found
  }

  /// A launcher that meets a name in use leaves it, and who runs under it, alone.
  @Test func anInstanceOfThatNameIsNotDisturbed() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000\n")
    let holder = try await fixture.launcher.launch(fixture.plan("run.sh"))
    let groups = ControlGroups.leaves(scope: fixture.launcher.scope)
    // Another launcher counts from one as well.
    let other = Launcher(transport: fixture.launcher.transport, scope: fixture.launcher.scope)
    let error = await #expect(throws: SandboxError.self) { _ = try await other.launch(fixture.plan("run.sh")) }
    #expect(error?.step?.hasPrefix("cgroup") == true, "\(String(describing: error))")
    #expect(holder.exitStatus() == nil)
    #expect(ControlGroups.leaves(scope: fixture.launcher.scope) == groups)
    try await holder.kill()
    holder.close()
  }
}
