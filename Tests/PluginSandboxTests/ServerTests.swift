// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import PluginSandbox

/// The long-lived launcher on a socket of its own.
final class ServerFixture: Sendable {
  let socket: String
  let fixture: Fixture
  private let options: [String]
  private let prefix: [String]
  private let pid = Mutex<Int32>(0)

  /// - Parameter prefix: the command in front of the server's, made with the fixture's directory at hand.
  init(options: [String] = [], prefix: (String) async throws -> [String] = { _ in [] }) async throws {
    self.options = options
    let scratch = try Fixture()
    self.prefix = try await prefix(scratch.directory)
    socket = scratch.directory + "/launcher.sock"
    // The second fixture talks to the server; the first only lends its directory.
    keep = scratch
    fixture = try Fixture(transport: .server(socket: socket))
    try await start()
  }

  func start() async throws {
    let arguments = prefix + [Fixture.program, "--server", socket, "--writable", "/tmp"] + options
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    let child = berth_spawn(arguments[0], &argv, &environment, -1, -1, 2, 0)
    try #require(child > 0)
    pid.withLock { $0 = child }
    for _ in 0..<500 where access(socket, F_OK) != 0 { await Blocking.run { _ = usleep(10_000) } }
  }

  /// kill -9 of the server.
  func kill() {
    let child = pid.withLock { pid in
      defer { pid = 0 }
      return pid
    }
    Glibc.kill(child, SIGKILL)
    waitpid(child, nil, 0)
  }

  /// kill -9 of the server, and another one in its place.
  func replace() async throws {
    kill()
    unlink(socket)
    try await start()
  }

  /// What the server has started and not collected.
  var children: [Int32] { ObservedProcess(pid: pid.withLock { $0 })?.children ?? [] }

  /// What it holds: descriptors by what they are, mounts and namespaces, and its children, of which only the worker that
  /// waits may be there (what has ended and is not collected shows as a zombie).
  var census: [String] {
    let server = pid.withLock { $0 }
    let (descriptors, namespaces) = ("/proc/\(server)/fd", "/proc/\(server)/ns")
    func targets(_ path: String) -> [String] {
      (DirectoryNames.read(path) ?? []).compactMap { name in
        var target = [CChar](repeating: 0, count: 256)
        guard readlink("\(path)/\(name)", &target, target.count - 1) > 0 else { return nil }
        return String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }.sorted()
    }
    let states = children.map { ObservedProcess(pid: $0)?.status["State"]?.prefix(1) ?? "gone" }.map(String.init)
    let mounts = (SmallFile.read("/proc/\(server)/mountinfo") ?? "").split(separator: "\n").count
    return targets(descriptors) + targets(namespaces) + ["\(mounts) mounts", "children: \(states.sorted())"]
  }

  private let keep: Fixture

  /// Keeps the server until here; it ends with this object.
  func stop() {}

  deinit {
    let child = pid.withLock { $0 }
    guard child > 0 else { return }
    Glibc.kill(child, SIGTERM)
    waitpid(child, nil, 0)
  }
}

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(3)), .serialized)
struct ServerTests {
  /// Whoever asks: the flag itself is refused, so that no daemon can be talked into it.
  @Test func theServerStartsNothingInLearningMode() async throws {
    let server = try await ServerFixture()
    server.fixture.write("run.sh", "#!/bin/sh\necho started\n")
    var plan = server.fixture.plan("run.sh")
    plan.learning = true
    let launcher = Launcher(
      transport: server.fixture.launcher.transport, scope: server.fixture.launcher.scope, allowsLearning: true)
    let error = await #expect(throws: SandboxError.self) { _ = try await launcher.launch(plan) }
    #expect(error?.step?.contains("learning mode") == true, "\(String(describing: error))")
  }

  @Test func theServerStartsPluginsWithEveryLayer() async throws {
    let server = try await ServerFixture()
    let fixture = server.fixture
    fixture.write("run.sh", "#!/bin/sh\necho in $(id -u)\nread line\nexit 4\n")
    var plan = fixture.plan("run.sh")
    let storage = fixture.directory + "/storage"
    mkdir(storage, 0o755)
    plan.permissions.files = [FilePermission(path: storage, access: .readWrite)]
    let process = try await fixture.launcher.launch(plan)
    #expect(process.layers == .privileged)
    try await process.attest()
    write(process.standardInput, "\n", 1)
    #expect(await Fixture.drain(process.standardOutput) == "in 654321\n")
    #expect(await process.waitForExit() == .exited(4))
    try await process.kill()
    process.close()
    #expect(try await fixture.launcher.probe().isSufficient)
    server.stop()
  }

  /// While it is set up a start stays on one processor; nothing of that may be left.
  @Test(arguments: [false, true]) func aPluginMayRunWhereverWeMay(_ isServer: Bool) async throws {
    let server = isServer ? try await ServerFixture() : nil
    let fixture = try server?.fixture ?? Fixture()
    fixture.write("run.sh", "#!/bin/sh\necho started\nread line\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    let own = try #require(ObservedProcess(pid: getpid())?.status["Cpus_allowed"])
    let initial = try #require(ObservedProcess(pid: process.pid))
    let plugin = try #require(initial.children?.first.flatMap { ObservedProcess(pid: $0) })
    #expect(initial.status["Cpus_allowed"] == own)
    #expect(plugin.status["Cpus_allowed"] == own)
    try await process.kill()
    process.close()
    server?.stop()
  }

  /// Clients that connect and say nothing hold a worker each: there is another for the next one all the same.
  @Test func aWorkerWaitsAgainWhileOthersHang() async throws {
    let server = try await ServerFixture()
    var silent: [Int32] = []
    defer { for connection in silent { close(connection) } }
    for count in 1...4 {
      let connection = bl_connect(server.socket)
      try #require(connection >= 0)
      silent.append(connection)
      var isThere = false
      for _ in 0..<200 where !isThere {
        isThere = server.children.count > count
        await Blocking.run { _ = usleep(10_000) }
      }
      #expect(isThere, "no worker waits beside \(count) that hang")
    }
    server.fixture.write("run.sh", "#!/bin/sh\necho started\n")
    let process = try await server.fixture.launcher.launch(server.fixture.plan("run.sh"))
    #expect(await Fixture.drain(process.standardOutput) == "started\n")
    try await process.kill()
    process.close()
    server.stop()
  }

  /// A unit may have a network of its own: what it would give is not what was granted.
  @Test(arguments: [false, true]) func theHostsNetworkIsGivenOrRefusedAndNeverAnotherOne(_ isApart: Bool) async throws {
    let server = try await ServerFixture(prefix: { _ in isApart ? ["/usr/bin/unshare", "--net"] : [] })
    server.fixture.write("run.sh", "#!/bin/sh\nreadlink /proc/self/ns/net\n")
    var plan = server.fixture.plan("run.sh")
    plan.permissions.network = .host
    plan.permissions.runtime.procSelf = true
    if isApart {
      let error = await #expect(throws: SandboxError.self) { _ = try await server.fixture.launcher.launch(plan) }
      #expect(error?.step == "network net host: the launcher has a network of its own")
      #expect(error?.hint?.contains("berth-launcher-broker.conf") == true)
    } else {
      let process = try await server.fixture.launcher.launch(plan)
      var own = [UInt8](repeating: 0, count: 64)
      let count = readlink("/proc/self/ns/net", &own, own.count)
      let text = await Fixture.drain(process.standardOutput)
      #expect(text == String(decoding: own.prefix(max(0, count)), as: UTF8.self) + "\n")
      try await process.kill()
      process.close()
    }
    server.stop()
  }

  /// Asked of a program and of a server, with all capabilities and as a unit without the broker's drop-in has them.
  @Test(arguments: [false, true]) func theProbeSaysWhichBrokerWorkersCanBeStarted(_ isServer: Bool) async throws {
    let less = ["/usr/bin/setpriv", "--bounding-set=-dac_override,-fowner,-mknod"]
    var reports: [CapabilityReport] = []
    for prefix in [[], less] {
      if isServer {
        let server = try await ServerFixture(prefix: { _ in prefix })
        reports.append(try await server.fixture.launcher.probe())
        server.stop()
      } else {
        reports.append(try await Launcher(transport: .program(path: Fixture.program, prefix: prefix)).probe())
      }
    }
    #expect(reports[0].operations.isSuperset(of: [.btrfsSend, .btrfsReceive, .prepare, .lvm, .exec]))
    #expect(reports[1].operations.isDisjoint(with: [.btrfsSend, .btrfsReceive, .prepare, .lvm]))
    #expect(reports[1].operations.contains(.exec), "it needs none of what is missing")
    #expect(reports[0].available == reports[1].available)
  }

  /// Some of these find namespaces made ahead, some do not: none shares one with another or with the host.
  @Test func noTwoPluginsShareANamespace() async throws {
    let server = try await ServerFixture()
    let fixture = server.fixture
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    await Blocking.run { _ = usleep(200_000) }  // the server makes some ahead
    let launcher = fixture.launcher
    let plans = (0..<10).map { number in
      var plan = fixture.plan("run.sh")
      plan.instance = "crowd\(number)"
      return plan
    }
    let processes = try await withThrowingTaskGroup(of: SandboxedProcess.self) { group in
      for plan in plans { group.addTask { try await launcher.launch(plan) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    for name in ["mnt", "net", "ipc", "uts", "pid", "cgroup"] {
      let inside = processes.compactMap { ObservedProcess(pid: $0.pid)?.namespace(name) }
      #expect(inside.count == 10)
      #expect(Set(inside + [ObservedProcess.ownNamespace(name) ?? ""]).count == 11, "\(name): \(inside)")
    }
    for process in processes {
      try await process.attest()
      try await process.kill()
      process.close()
    }
    server.stop()
  }

  /// A start stays on one processor; the plugin and its init must not.
  @Test func aPluginMayUseEveryProcessor() async throws {
    let server = try await ServerFixture()
    let own = try #require(ObservedProcess(pid: getpid())?.status["Cpus_allowed_list"])
    for fixture in [server.fixture, try Fixture()] {
      fixture.write("run.sh", "#!/bin/sh\nread line\n")
      let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
      let children = try #require(ObservedProcess(pid: process.pid)?.children)
      #expect(!children.isEmpty)
      for pid in [process.pid] + children {
        #expect(ObservedProcess(pid: pid)?.status["Cpus_allowed_list"] == own)
      }
      try await process.kill()
      process.close()
    }
    server.stop()
  }

  /// Its waiting worker would otherwise go on answering at a socket that is nobody's.
  @Test func whatAServerHasWaitingEndsWithIt() async throws {
    let server = try await ServerFixture()
    var waiting: [Int32] = []
    for _ in 0..<500 where waiting.isEmpty {
      waiting = server.children
      await Blocking.run { _ = usleep(10_000) }
    }
    #expect(!waiting.isEmpty)
    try await server.replace()
    for _ in 0..<500 where waiting.contains(where: { kill($0, 0) == 0 }) {
      await Blocking.run { _ = usleep(10_000) }
    }
    #expect(waiting.filter { kill($0, 0) == 0 } == [])
    server.stop()
  }

  /// Plugins belong to the daemon: they outlive a launcher that was killed, and the next one takes them away.
  @Test func aServerThatWasKilledIsReplacedWhileItsPluginsRun() async throws {
    let server = try await ServerFixture()
    let fixture = server.fixture
    fixture.write("run.sh", "#!/bin/sh\nread line\necho still here\nsleep 1000\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    let groups = ControlGroups.leaves(scope: fixture.launcher.scope)
    #expect(!groups.isEmpty)
    try await server.replace()
    write(process.standardInput, "\n", 1)
    _ = berth_set_nonblocking(process.standardOutput, 0)
    var answer = [UInt8](repeating: 0, count: 11)
    #expect(read(process.standardOutput, &answer, 11) == 11)
    try await process.attest()
    #expect(ControlGroups.leaves(scope: fixture.launcher.scope) == groups)
    try await process.kill()
    process.close()
    #expect(ControlGroups.leaves(scope: fixture.launcher.scope) == [])
    let next = try await fixture.launcher.launch(fixture.plan("run.sh"))
    try await next.kill()
    next.close()
    server.stop()
  }

  /// Whoever ends while no launcher answers is dead all the same; the group that is left goes with the next launcher.
  @Test func whatEndsWithoutALauncherIsKnownToBeDead() async throws {
    let server = try await ServerFixture()
    let fixture = server.fixture
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000 &\nsleep 1000\n")
    let killed = try await fixture.launcher.launch(fixture.plan("run.sh"))
    let taken = try await fixture.launcher.launch(fixture.plan("run.sh", uid: 654_322))
    #expect(!killed.hasLostLauncher())
    server.kill()
    // The service manager ends what a unit leaves.
    Glibc.kill(taken.pid, SIGKILL)
    #expect(await taken.waitForExit() == .killed)
    #expect(killed.hasLostLauncher() && taken.hasLostLauncher())
    for process in [killed, taken] {
      try await process.kill()
      process.close()
    }
    #expect(fixture.launcher.removals.count == 2)
    #expect(!ControlGroups.leaves(scope: fixture.launcher.scope).isEmpty)
    unlink(server.socket)
    // A start waits for the next launcher.
    async let next = fixture.launcher.launch(fixture.plan("run.sh"))
    try await Task.sleep(for: .milliseconds(300))
    try await server.start()
    let process = try await next
    #expect(
      await eventually {
        ControlGroups.leaves(scope: fixture.launcher.scope).allSatisfy { $0.hasSuffix(process.instance) }
      })
    try await process.kill()
    process.close()
    #expect(ControlGroups.leaves(scope: fixture.launcher.scope) == [])
    server.stop()
  }

  /// The next launcher is asked by and by, even when nothing else is to be started.
  @Test func whatEndedWithoutALauncherGoesWithTheNextOne() async throws {
    let server = try await ServerFixture()
    let fixture = server.fixture
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    server.kill()
    try await process.kill()
    process.close()
    #expect(!ControlGroups.leaves(scope: fixture.launcher.scope).isEmpty)
    unlink(server.socket)
    try await server.start()
    #expect(await eventually { ControlGroups.leaves(scope: fixture.launcher.scope).isEmpty })
    #expect(await eventually { fixture.launcher.removals.count == 0 })
    server.stop()
  }

  @Test func aWritableGrantOutsideTheServersDirectoriesIsRefused() async throws {
    let server = try await ServerFixture()
    let error = await #expect(throws: SandboxError.self) {
      _ = try await server.fixture.run("true") {
        $0.permissions.files = [FilePermission(path: "/srv", access: .readWrite)]
      }
    }
    #expect(error?.step?.contains("outside the storage directories") == true, "\(String(describing: error))")
    server.stop()
  }

  @Test func aStrangerMayNotAsk() async throws {
    let server = try await ServerFixture()
    chmod(server.socket, 0o666)
    let result = await Blocking.run {
      system(
        """
        cd / && setpriv --reuid=65533 --regid=65533 --clear-groups /usr/bin/python3 -c 'import socket, struct
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect("\(server.socket)")
        reply = s.recv(4096); error, step = struct.unpack_from("<iI", reply, 8)
        raise SystemExit(0 if error == 1 and b"may not ask" in reply else 1)'
        """)
    }
    #expect(result == 0)
    server.stop()
  }
}
