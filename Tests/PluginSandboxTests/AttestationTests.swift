// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

/// A launcher that leaves one layer out and says that it did not, with the words by which attestation must name it.
struct Lie: Sendable, CustomTestStringConvertible {
  var layers: [String]
  /// Every difference seen holds one of these, and the first is held by one.
  var words: [String]
  /// The command in front of the launcher.
  var prefix: [String] = []
  var testDescription: String { layers.joined(separator: ",") }

  init(_ layers: String..., seen words: [String], prefix: [String] = []) {
    (self.layers, self.words, self.prefix) = (layers, words, prefix)
  }
}

/// Every layer that is attested, made to differ by itself; what cannot be seen from outside is named.
@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(5)), .serialized)
struct AttestationTests {
  static let lies: [Lie] = [
    Lie("own-uid", seen: ["Uid is", "Gid is"]),
    Lie("no-capabilities", seen: ["capabilities in"]),
    // The kernel loads no filter without the one or the other.
    Lie("no-new-privileges", "landlock", "seccomp", seen: ["no_new_privs is off", "seccomp mode"]),
    Lie("seccomp", seen: ["seccomp mode is 0"]),
    // In a mount namespace of the test's, which then is the launcher's and the plugin's.
    Lie(
      "mount-namespace", seen: ["shares the mnt namespace", "control group"], prefix: ["/usr/bin/unshare", "-m"]),
    Lie("pid-namespace", seen: ["shares the pid namespace"]),
    Lie("network-namespace", seen: ["shares the net namespace"]),
    Lie("ipc-namespace", seen: ["shares the ipc namespace"]),
    Lie("uts-namespace", seen: ["shares the uts namespace"]),
    Lie("cgroup-namespace", seen: ["shares the cgroup namespace"]),
    Lie("mount-tree", seen: ["is mounted and nobody asked for it", "is mounted w", "not a tmpfs of its own"]),
    Lie("tmp-mount", seen: ["/tmp is not mounted"]),
    Lie("read-only-mounts", seen: ["is not a read-only tmpfs", "is mounted writable"]),
    Lie("noexec-mounts", seen: ["without noexec"]),
    Lie("nosuid-nodev-mounts", seen: ["without nosuid", "without nodev"]),
    Lie("resource-limits", seen: ["Max open files", "Max "]),
    Lie("memory-limit", seen: ["memory-limit"]),
    Lie("process-limit", seen: ["process-limit"]),
    Lie("cpu-limit", seen: ["cpu-limit"]),
    Lie(
      "plugin-descriptor-closing",
      seen: ["descriptor 7, a directory, was open", "descriptor 6, a socket, was open", "descriptor"],
      prefix: ["/bin/sh", "-c", "exec 6<&0 7</ 8</usr; exec \"$0\" \"$@\""]),
  ]

  /// What the kernel shows to nobody outside: the launcher's word stands for it, and the corpus tries it from inside.
  static let unseen: [(layer: String, why: String)] = [
    ("landlock", "no file of /proc tells of a process's domain"),
    ("write-xor-execute", "only prctl(2) of the process itself tells"),
    ("memfd-noexec", "the setting belongs to the pid namespace, and only a process in it reads it"),
  ]

  private static func start(
    without layers: [String], prefix: [String] = [], _ fixture: Fixture
  ) async throws -> SandboxedProcess {
    let program = try await LayersTests.build(without: layers, in: fixture.directory)
    let launcher = Launcher(
      transport: .program(path: program, prefix: prefix), scope: fixture.launcher.scope)
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    return try await launcher.launch(fixture.plan("run.sh"))
  }

  private static func isRefused(_ process: SandboxedProcess, _ words: [String]) async throws {
    let differences = Attestation(of: process).differences
    #expect(differences.contains { $0.contains(words[0]) }, "\(differences)")
    for difference in differences { #expect(words.contains { difference.contains($0) }, "\(difference)") }
    let error = await #expect(throws: SandboxError.self) { try await process.attest() }
    #expect(error?.code == .attestationFailed, "\(String(describing: error))")
    #expect(error?.reason.contains(words[0]) == true, "\(String(describing: error))")
    #expect(process.exitStatus() != nil)
    process.close()
  }

  @Test(arguments: lies) func whatIsNotAsAskedForIsRefusedAndNamed(_ lie: Lie) async throws {
    let fixture = try Fixture()
    try await Self.isRefused(try await Self.start(without: lie.layers, prefix: lie.prefix, fixture), lie.words)
  }

  @Test(.enabled(if: access("/sys/fs/cgroup/pids/tasks", F_OK) == 0, "no version 1 hierarchy to stay outside of"))
  func aProcessOutsideItsGroupIsRefused() async throws {
    let fixture = try Fixture()
    let process = try await Self.start(without: ["group-joining"], fixture)
    try await Self.isRefused(process, ["its control group for process-limit", "control group", "-limit"])
  }

  @Test func supplementaryGroupsAreSeen() async throws {
    let fixture = try Fixture()
    let fault = try await Fault(call: "setgroups").prefix(fixture, errno: 0)
    let launcher = Launcher(
      transport: .program(path: Fixture.program, prefix: ["/usr/bin/setpriv", "--groups", "1234"] + fault),
      scope: fixture.launcher.scope)
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    try await Self.isRefused(try await launcher.launch(fixture.plan("run.sh")), ["supplementary groups 1234"])
  }

  @Test(arguments: unseen.map(\.layer)) func whatCannotBeSeenFromOutsideIsThisAndNoMore(_ layer: String) async throws {
    let fixture = try Fixture()
    let process = try await Self.start(without: [layer], fixture)
    #expect(Attestation(of: process).differences == [])
    try await process.kill()
    process.close()
  }

  /// As berthd is: without capabilities, another user than the plugin, in front of a launcher server.
  @Test func aDaemonWithoutPrivilegesMissesNothing() async throws {
    let server = try await ServerFixture()
    server.fixture.write("run.sh", "#!/bin/sh\nread line\n")
    let process = try await server.fixture.launcher.launch(server.fixture.plan("run.sh"))
    try await Self.whileUnprivileged {
      let plugin = ObservedProcess(pid: process.pid)?.children?.first.flatMap { ObservedProcess(pid: $0) }
      #expect(plugin != nil && plugin?.namespace("net") == nil && plugin?.descriptors == nil, "positive control")
      #expect(Attestation(of: process).differences == [])
      #expect(ObservedLayers(of: process).refuted.map(\.seen) == [])
    }
    try await process.kill()
    process.close()
    server.stop()
  }

  @Test(arguments: [
    Lie("network-namespace", seen: ["shares the net namespace"]),
    Lie("cgroup-namespace", seen: ["shares the cgroup namespace"]),
    Lie(
      "plugin-descriptor-closing", seen: ["descriptor 7, a directory", "descriptor"],
      prefix: ["/bin/sh", "-c", "exec 7</; exec \"$0\" \"$@\""]),
  ])
  func aDaemonWithoutPrivilegesSeesALyingServer(_ lie: Lie) async throws {
    let server = try await ServerFixture { directory in
      let program = try await LayersTests.build(without: lie.layers, in: directory)
      // In place of the program that the fixture would start.
      return lie.prefix + ["/bin/sh", "-c", "shift; exec \(program) \"$@\"", "sh"]
    }
    server.fixture.write("run.sh", "#!/bin/sh\nread line\n")
    let process = try await server.fixture.launcher.launch(server.fixture.plan("run.sh"))
    try await Self.whileUnprivileged {
      let differences = Attestation(of: process).differences
      #expect(differences.contains { $0.contains(lie.words[0]) }, "\(differences)")
    }
    try await process.kill()
    process.close()
    server.stop()
  }

  /// Runs on a thread that has no capability in force and another user's eyes; the rest of this process keeps its own.
  private static func whileUnprivileged(_ body: @escaping @Sendable () -> Void) async throws {
    typealias Capabilities = @convention(c) (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>) -> Int32
    typealias User = @convention(c) (UInt32) -> Int32
    // Declared in no header of the module; their types are those of capget(2) and setfsuid(2).
    func symbol<T>(_ name: String, as type: T.Type) throws -> T {
      unsafeBitCast(try #require(dlsym(nil, name)), to: type)
    }
    let capget = try symbol("capget", as: Capabilities.self)
    let capset = try symbol("capset", as: Capabilities.self)
    let setfsuid = try symbol("setfsuid", as: User.self)
    await Blocking.run {
      var header: [UInt32] = [0x2008_0522, 0]
      var held = [UInt32](repeating: 0, count: 6)
      #expect(capget(&header, &held) == 0)
      var none = held
      (none[0], none[3]) = (0, 0)
      _ = setfsuid(65_531)
      #expect(capset(&header, &none) == 0)
      body()
      #expect(capset(&header, &held) == 0)
      _ = setfsuid(0)
    }
  }
}
