// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import PluginSandbox

/// Start to first byte: confined by the launcher program and by the launcher server, against the same program started
/// plainly, against bubblewrap with every namespace and against container runtimes. Through the server also with all that
/// a storage's plugin gets: a state image, a directory for streams and a granted one.
func benchmarkSpawn() async throws -> [Figure] {
  guard geteuid() == 0 else { throw BenchmarkError("the confined spawn is measured as root") }
  let bench = try SpawnBench()
  defer { bench.remove() }
  let rounds = roundCount(100)
  let program = Launcher(transport: .program(path: bench.launcher), scope: "bench-program")
  let server = Launcher(transport: .server(socket: bench.socket), scope: "bench-server")
  let peers = await bench.peersThatStart()
  // The variants take turns, so that a busy moment of the machine meets them all, and each round another order, so that
  // none always pays for what the same other one leaves to the kernel.
  var times: [String: [Double]] = [:]
  for _ in 0..<rounds {
    for name in (["plain", "program", "server", "storage"] + peers.filter(\.starts).map(\.name)).shuffled() {
      let time =
        switch name {
        case "plain": try await bench.plain()
        case "program": try await bench.confined(program)
        case "server": try await bench.confined(server)
        case "storage": try await bench.confined(server, asStorage: true)
        default: try await bench.peer(name)
        }
      times[name, default: []].append(time)
    }
  }
  func over(_ name: String, _ values: [Double], _ plain: [Double], _ limit: Double) -> Figure {
    Figure(
      name: name, figure: median(values) - median(plain), unit: "µs over plain posix_spawn", target: .atMost(limit))
  }
  let plain = times["plain"] ?? []
  let confined = times["server"] ?? []
  let storage = times["storage"] ?? []
  var figures = [
    over("spawn confined, program", times["program"] ?? [], plain, 3000),
    over("spawn confined, server", confined, plain, 2500),
    Figure(
      name: "spawn confined, server, p99", figure: percentile(confined, 0.99), unit: "µs", target: .atMost(10_000)),
    // Its state is a file system that the kernel has to mount for each start, which no peer does: told, not judged.
    Figure(
      name: "spawn of a storage's plugin, server", figure: median(storage) - median(plain),
      unit: "µs over plain posix_spawn", target: .none),
    Figure(
      name: "spawn of a storage's plugin, server, p99", figure: percentile(storage, 0.99), unit: "µs",
      target: .atMost(10_000)),
  ]
  for (name, _) in peers {
    // One that does not start has no time: its ratio is no number, and falls short.
    let peer = times[name].map { median($0) } ?? .nan
    figures.append(
      Figure(
        name: "spawn against \(name)", figure: median(confined), peer: peer, peerName: name, unit: "µs",
        target: .atMost(1)))
    figures.append(
      Figure(
        name: "spawn of a storage's plugin against \(name)", figure: median(storage), peer: peer, peerName: name,
        unit: "µs", target: .none))
  }
  figures += try await bench.withMemory(server, rounds: rounds)
  let mounts = try await bench.withMounts(server, rounds: rounds)
  figures.append(over("spawn with 2000 more mounts", mounts.confined, mounts.plain, 4000))
  // Takes the scopes' empty groups away as well.
  try await program.removeLeftovers()
  try await server.removeLeftovers()
  return figures
}

/// How many rounds to measure: `BERTH_ROUNDS`, or what is usual.
func roundCount(_ usual: Int) -> Int { getenv("BERTH_ROUNDS").flatMap { Int(String(cString: $0)) } ?? usual }

/// The bundle, the server and the ways to start.
private final class SpawnBench {
  private static let peers = [
    (name: "bwrap", path: "/usr/bin/bwrap"), (name: "runc", path: "/usr/sbin/runc"),
    (name: "crun", path: "/usr/bin/crun"),
  ]

  let directory = temporaryDirectory()
  var bundle: String { directory + "/bundle" }
  var socket: String { server.socket }
  let launcher: String
  private let server: LauncherServer
  private let container: OCIBundle
  private var containers = 0

  init() throws {
    container = try OCIBundle(in: directory, plugin: directory + "/bundle", environment: Self.environment)
    launcher = peerProgram().split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/berth-launcher"
    server = try LauncherServer(launcher)
    mkdir(bundle, 0o755)
    chmod(directory, 0o755)
    guard system("cp /usr/bin/echo '\(bundle)/echo'") == 0 else { throw BenchmarkError("cannot copy /usr/bin/echo") }
    for name in ["storage", "streams"] { mkdir("\(server.directory)/\(name)", 0o755) }
    for image in stateImages { try StateImage.prepare(image, size: ResourceLimits().stateSpace, owner: Self.uid) }
  }

  private static let uid: UInt32 = 655_000
  /// Everybody's: `echo` reads the files of its locale, and none is to start without that.
  private static let environment = plan(bundle: "").wholeEnvironment
  private static func plan(bundle: String) -> LaunchPlan {
    LaunchPlan(instance: "bench", mode: .privileged, bundle: bundle, executable: "echo", uid: uid)
  }
  /// Two, in turns: a start is not to wait until what the one before has written is on the disk.
  private var stateImages: [String] { ["a", "b"].map { "\(server.directory)/\($0).img" } }
  private var storages = 0

  func remove() {
    server.stop()
    _ = system("rm -rf '\(directory)'")
  }

  /// Microseconds from the call to the first byte on standard output.
  /// - Parameter asStorage: with what the supervisor gives to a storage's plugin.
  func confined(_ launcher: Launcher, asStorage: Bool = false) async throws -> Double {
    var plan = Self.plan(bundle: bundle)
    plan.arguments = ["x"]
    if asStorage {
      storages += 1
      plan.stateImage = stateImages[storages % stateImages.count]
      plan.streamsDirectory = server.directory + "/streams"
      plan.permissions.files = [FilePermission(path: server.directory + "/storage", access: .readWrite)]
    }
    let begun = berth_monotonic_ns()
    let process = try await launcher.launch(plan)
    Self.firstByte(process.standardOutput)
    let time = Double(berth_monotonic_ns() - begun) / 1000
    try await process.kill()
    process.close()
    return time
  }

  func plain() async throws -> Double { try await started(bundle + "/echo", ["x"]) }

  /// All of them, and whether they start here. Left out is only what cannot work on this kind of machine: `crun` 1.8
  /// refuses one with both versions of control groups.
  func peersThatStart() async -> [(name: String, starts: Bool)] {
    var peers: [(String, Bool)] = []
    for (name, path) in Self.peers {
      do {
        guard access(path, X_OK) == 0 else { throw BenchmarkError("\(path) is missing: scripts/setup installs it") }
        _ = try await peer(name)
        peers.append((name, true))
      } catch {
        let isKnown = name == "crun" && access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0
        complain("spawn: \(name) does not start here\(isKnown ? " and is left out" : ""): \(error)")
        if !isKnown { peers.append((name, false)) }
      }
    }
    return peers
  }

  func peer(_ name: String) async throws -> Double {
    let path = Self.peers.first { $0.name == name }?.path ?? name
    guard name != "bwrap" else { return try await bubblewrap(path) }
    containers += 1
    return try await started(path, container.arguments(name: "berth-bench-\(getpid())-\(containers)"))
  }

  private func bubblewrap(_ path: String) async throws -> Double {
    try await started(
      path,
      [
        "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib",
        "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--dev", "/dev", "--tmpfs", "/tmp",
        "--ro-bind", bundle, "/plugin", "/plugin/echo", "x",
      ])
  }

  private func started(_ program: String, _ arguments: [String]) async throws -> Double {
    var ends: [Int32] = [0, 0]
    guard berth_pipe(&ends) == 0 else { throw BenchmarkError("no pipe") }
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let begun = berth_monotonic_ns()
    let pid = try spawn(program, arguments, environment: Self.environment, input: null, output: ends[1])
    close(ends[1])
    close(null)
    Self.firstByte(ends[0])
    let time = Double(berth_monotonic_ns() - begun) / 1000
    close(ends[0])
    try await waitFor(pid)
    return time
  }

  /// Waits where it is: a thread for it would be one more to wake, and for the confined ones only, whose pipe is known
  /// late.
  private static func firstByte(_ descriptor: Int32) {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var byte: UInt8 = 0
    while poll(&watched, 1, -1) < 0 || (read(descriptor, &byte, 1) < 0 && errno == EAGAIN) {}
  }

  /// The same with a gibibyte more resident in this process: the cost must not follow the daemon's size.
  func withMemory(_ launcher: Launcher, rounds: Int) async throws -> [Figure] {
    let size = 1 << 30
    let (blocks, perBlock) = (10, max(1, rounds / 10))
    var before: [Double] = []
    var after: [Double] = []
    for _ in 0..<blocks {
      for _ in 0..<perBlock { before.append(try await confined(launcher)) }
      let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
      for offset in stride(from: 0, to: size, by: 4096) {
        memory.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
      }
      for _ in 0..<perBlock { after.append(try await confined(launcher)) }
      memory.deallocate()
    }
    return [
      Figure(
        name: "spawn with 1 GiB more resident", figure: median(after), peer: median(before), peerName: "without",
        unit: "µs", target: .atMost(1.1))
    ]
  }

  /// The same on a host with 2000 more mounts, made in a mount namespace that only the server's start sees.
  func withMounts(_ launcher: Launcher, rounds: Int) async throws -> (confined: [Double], plain: [Double]) {
    let place = directory + "/mounts"
    mkdir(place, 0o755)
    guard
      system(
        "mount -t tmpfs none '\(place)' && cd '\(place)' && for i in $(seq 2000); do mkdir m$i && mount --bind m$i m$i || exit 1; done"
      ) == 0
    else { throw BenchmarkError("2000 mounts could not be made") }
    defer { _ = system("umount -R '\(place)' 2>/dev/null || umount -l '\(place)'") }
    var times: (confined: [Double], plain: [Double]) = ([], [])
    for _ in 0..<rounds {
      times.confined.append(try await confined(launcher))
      times.plain.append(try await plain())
    }
    return times
  }
}
