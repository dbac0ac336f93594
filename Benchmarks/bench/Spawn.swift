// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import PluginSandbox

/// Start to first byte: confined by the launcher program and by the launcher server, against the same program started
/// plainly, against bubblewrap with every namespace and against the container runtimes that are installed.
func benchmarkSpawn() async throws -> [Figure] {
  guard geteuid() == 0 else { throw BenchmarkError("the confined spawn is measured as root") }
  let bench = try SpawnBench()
  defer { bench.remove() }
  let rounds = getenv("BERTH_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 100
  let program = Launcher(transport: .program(path: bench.launcher), scope: "bench-program")
  let server = Launcher(transport: .server(socket: bench.socket), scope: "bench-server")
  let serverPID = try bench.startServer()
  defer {
    kill(serverPID, SIGTERM)
    waitpid(serverPID, nil, 0)
  }

  let peers = await bench.usablePeers()
  // The variants take turns, so that a busy moment of the machine meets them all.
  var times: [String: [Double]] = [:]
  for _ in 0..<rounds {
    times["plain", default: []].append(try await bench.plain())
    times["program", default: []].append(try await bench.confined(program))
    times["server", default: []].append(try await bench.confined(server))
    for (name, path) in peers {
      times[name, default: []].append(try await bench.peer(name, path))
    }
  }
  let plain = median(times["plain"] ?? [])
  func over(_ name: String, _ values: [Double], _ limit: Double) -> Figure {
    Figure(name: name, figure: median(values) - plain, unit: "µs over plain posix_spawn", target: .atMost(limit))
  }
  let confined = times["server"] ?? []
  var figures = [
    over("spawn confined, program", times["program"] ?? [], 3000), over("spawn confined, server", confined, 2500),
    Figure(
      name: "spawn confined, server, p99", figure: percentile(confined, 0.99), unit: "µs", target: .atMost(10_000)),
  ]
  for (name, _) in peers {
    guard let peer = times[name] else { continue }
    figures.append(
      Figure(
        name: "spawn against \(name)", figure: median(confined), peer: median(peer), peerName: name, unit: "µs",
        target: .atMost(1)))
  }
  figures += try await bench.withMemory(server, rounds: rounds)
  figures.append(over("spawn with 2000 more mounts", try await bench.withMounts(server, rounds: rounds), 4000))
  // Takes the scopes' empty groups away as well.
  try await program.removeLeftovers()
  try await server.removeLeftovers()
  return figures
}

/// The bundle, the server and the ways to start.
private final class SpawnBench {
  private static let peers = [("bwrap", "/usr/bin/bwrap"), ("runc", "/usr/sbin/runc"), ("crun", "/usr/bin/crun")]

  let directory = temporaryDirectory()
  var bundle: String { directory + "/bundle" }
  var socket: String { directory + "/launcher.sock" }
  let launcher: String
  private let container: OCIBundle
  private var containers = 0

  init() throws {
    container = try OCIBundle(in: directory, plugin: directory + "/bundle")
    launcher = peerProgram().split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/berth-launcher"
    mkdir(bundle, 0o755)
    chmod(directory, 0o755)
    guard system("cp /usr/bin/echo '\(bundle)/echo'") == 0 else { throw BenchmarkError("cannot copy /usr/bin/echo") }
  }

  func remove() { _ = system("rm -rf '\(directory)'") }

  func startServer() throws -> pid_t {
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    let pid = try spawn(launcher, ["--server", socket, "--writable", directory], input: null, output: null)
    for _ in 0..<500 where access(socket, F_OK) != 0 { usleep(10_000) }
    return pid
  }

  /// Microseconds from the call to the first byte on standard output.
  func confined(_ launcher: Launcher) async throws -> Double {
    var plan = LaunchPlan(instance: "bench", mode: .privileged, bundle: bundle, executable: "echo", uid: 655_000)
    plan.arguments = ["x"]
    let begun = berth_monotonic_ns()
    let process = try await launcher.launch(plan)
    let output = process.standardOutput
    await onThread { Self.firstByte(output) }
    let time = Double(berth_monotonic_ns() - begun) / 1000
    try await process.kill()
    process.close()
    return time
  }

  func plain() async throws -> Double { try await started(bundle + "/echo", ["x"]) }

  /// Those that are installed and work here: `crun` 1.8 refuses a machine with both versions of control groups.
  func usablePeers() async -> [(name: String, path: String)] {
    var usable: [(String, String)] = []
    for (name, path) in Self.peers where access(path, X_OK) == 0 {
      do {
        _ = try await peer(name, path)
        usable.append((name, path))
      } catch {
        complain("spawn: \(name) does not start here and is left out: \(error)")
      }
    }
    return usable
  }

  func peer(_ name: String, _ path: String) async throws -> Double {
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
    let pid = try spawn(program, arguments, input: null, output: ends[1])
    close(ends[1])
    close(null)
    let output = ends[0]
    await onThread { Self.firstByte(output) }
    let time = Double(berth_monotonic_ns() - begun) / 1000
    close(output)
    try await waitFor(pid)
    return time
  }

  private static func firstByte(_ descriptor: Int32) {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var byte: UInt8 = 0
    while poll(&watched, 1, -1) < 0 || (read(descriptor, &byte, 1) < 0 && errno == EAGAIN) {}
  }

  /// The same with a gibibyte more resident in this process: the cost must not follow the daemon's size.
  func withMemory(_ launcher: Launcher, rounds: Int) async throws -> [Figure] {
    var before: [Double] = []
    for _ in 0..<rounds { before.append(try await confined(launcher)) }
    let size = 1 << 30
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    for offset in stride(from: 0, to: size, by: 4096) { memory.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self) }
    defer { memory.deallocate() }
    var after: [Double] = []
    for _ in 0..<rounds { after.append(try await confined(launcher)) }
    return [
      Figure(
        name: "spawn with 1 GiB more resident", figure: median(after), peer: median(before), peerName: "without",
        unit: "µs", target: .atMost(1.1))
    ]
  }

  /// The same on a host with 2000 more mounts, made in a mount namespace that only the server's start sees.
  func withMounts(_ launcher: Launcher, rounds: Int) async throws -> [Double] {
    let place = directory + "/mounts"
    mkdir(place, 0o755)
    guard
      system(
        "mount -t tmpfs none '\(place)' && cd '\(place)' && for i in $(seq 2000); do mkdir m$i && mount --bind m$i m$i || exit 1; done"
      ) == 0
    else { throw BenchmarkError("2000 mounts could not be made") }
    defer { _ = system("umount -R '\(place)' 2>/dev/null || umount -l '\(place)'") }
    var times: [Double] = []
    for _ in 0..<rounds { times.append(try await confined(launcher)) }
    return times
  }
}
