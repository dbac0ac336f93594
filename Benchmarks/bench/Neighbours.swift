// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import JSON
import JSONRPC
import Logging
import PluginSandbox
import PluginSupervisor
import StorageProtocol

/// What the sandbox costs a call: the same program asked over the same two pipes, plainly started and confined, by the
/// same few system calls of this process.
func benchmarkTax() async throws -> [Figure] {
  guard geteuid() == 0 else { throw BenchmarkError("the sandbox's tax is measured as root") }
  let bench = try NeighbourBench()
  defer { bench.remove() }
  let launcher = Launcher(transport: .program(path: try Launcher.defaultProgram()), scope: "bench-tax-\(getpid())")
  var figures: [Figure] = []
  // Each on a processor of its own the two differ by what the sandbox adds to a call. On one processor a switch between
  // two control groups is added (the scheduler's work, a level at a time), and where the scheduler is free they differ by
  // where it puts whom, which is worth several times as much, either way.
  for placement in [Placement.twoProcessors, .oneProcessor, .scheduled] {
    let (plain, confined) = try await placement.holds { try await roundTrips(bench, launcher, placement) }
    figures += [
      Figure(name: "rpc outside the sandbox, \(placement.rawValue)", figure: plain, unit: "µs", target: .none),
      Figure(
        name: "rpc tax of the sandbox, p50, \(placement.rawValue)", figure: confined - plain,
        unit: "µs over the same outside", target: placement == .twoProcessors ? .atMost(1) : .none),
    ]
  }
  try await launcher.removeLeftovers()
  return figures
}

/// Medians in µs: of the program plainly started, and of the confined one.
private func roundTrips(
  _ bench: NeighbourBench, _ launcher: Launcher, _ placement: Placement
) async throws -> (plain: Double, confined: Double) {
  let (rounds, calls) = (10, 2000)
  let plain = try bench.plain()
  let process = try await launcher.launch(bench.plan("quick", uid: 655_100))
  try await process.attest()
  let (input, output) = (process.standardInput, process.standardOutput)
  for end in [input, output] { _ = berth_set_nonblocking(end, 0) }
  try await placement.settle()
  // Taking turns: a busy moment meets both.
  let medians = try await inTurns(rounds: rounds) {
    median(await onThread { pingPong(calls, to: plain.input, from: plain.output) })
  } _: {
    median(await onThread { pingPong(calls, to: input, from: output) })
  }
  close(plain.input)
  close(plain.output)
  kill(plain.pid, SIGKILL)
  waitpid(plain.pid, nil, 0)
  try await process.kill()
  process.close()
  return medians
}

/// Microseconds of each round trip of a 200-byte request and its answer.
private func pingPong(_ count: Int, to input: Int32, from output: Int32) -> [Double] {
  let padding = String(repeating: "x", count: 130)
  let request = Array(#"{"jsonrpc":"2.0","id":1,"method":"status","params":{"data":"\#(padding)"}}"#.utf8) + [10]
  var answer = [UInt8](repeating: 0, count: 4096)
  var times: [Double] = []
  times.reserveCapacity(count)
  for _ in 0..<count {
    let begun = berth_monotonic_ns()
    guard write(input, request, request.count) == request.count else { return times }
    var size = 0
    while size == 0 || answer[size - 1] != 10 {
      let got = answer.withUnsafeMutableBytes { read(output, $0.baseAddress! + size, $0.count - size) }  // 4096 bytes
      if got <= 0 { return times }
      size += got
    }
    times.append(Double(berth_monotonic_ns() - begun) / 1000)
  }
  return times
}

/// What a hostile plugin costs another one: the p99 of its calls with and without a neighbour that floods, forks, hogs
/// memory or hangs in the kernel, and what the host's memory does meanwhile.
func benchmarkNeighbours() async throws -> [Figure] {
  guard geteuid() == 0 else { throw BenchmarkError("neighbours are measured as root") }
  let bench = try NeighbourBench()
  defer { bench.remove() }
  let reactor = try Reactor(name: "bench-io")
  let launcher = Launcher(transport: .program(path: try Launcher.defaultProgram()), scope: "bench-near-\(getpid())")
  let good = try bench.instance("quick", uid: 655_110, launcher, reactor)
  try await good.start()
  _ = try await calls(2000, good)
  // Where the scheduler puts a sleeping plugin decides what its calls cost: about 13 µs on our processor, 30 and more on
  // another, for seconds on end; with a neighbour that is busy it is always another. So the kinds take turns, in another
  // order each round, and what is judged is the p99 over all calls of the run, against that over all its idle calls,
  // those right after a neighbour's end among them: a round in the middle is a throw of the dice. (With both sides held
  // on a processor each a sleeping plugin waits for the end of a busy neighbour's time slice, 1 to 2 ms: it must be free
  // to go.)
  var idle = Rounds()
  var beside: [Neighbour: Rounds] = [:]
  var growth: [Neighbour: Double] = [:]
  for _ in 0..<roundCount(12) {
    for kind in Neighbour.allCases.shuffled() {
      idle.add(try await calls(1000, good))
      let stuck = kind == .hanging ? try await bench.stuckMount(uid: kind.uid) : nil
      let bad = try bench.instance(kind.rawValue, uid: kind.uid, launcher, reactor, granted: stuck?.path)
      try await bad.start()
      let memory = residentBytes("VmRSS:")
      resetPeak()
      let scfg: JSON = ["path": .string(stuck?.path ?? "")]
      let call = Task { try? await bad.call("status", ["storeid": "bench", "scfg": scfg]) }
      if kind == .hanging { await stuck?.asked() }
      try await Task.sleep(for: .milliseconds(300))
      beside[kind, default: Rounds()].add(try await calls(1000, good))
      let more = Double(residentBytes("VmHWM:") - memory) / Double(1 << 20)
      growth[kind] = max(growth[kind] ?? 0, more)
      call.cancel()
      stuck?.thaw()
      _ = await call.value
      try? await bad.close(reason: "the benchmark is over")
    }
  }
  var figures: [Figure] = []
  for kind in Neighbour.allCases {
    let rounds = beside[kind] ?? Rounds()
    figures += [
      Figure(
        name: "rpc p99 beside a plugin \(kind.text)", figure: rounds.pooled, peer: idle.pooled, peerName: "idle",
        unit: "µs", target: .atMost(2)),
      Figure(
        name: "rpc p99 of a round in the middle", figure: rounds.typical, peer: idle.typical, peerName: "idle",
        unit: "µs", target: .none),
      Figure(
        name: "memory of the host beside it", figure: growth[kind] ?? .nan, unit: "MiB more", target: .atMost(16)),
    ]
  }
  try await good.close(reason: "the benchmark is over")
  await reactor.shutdown()
  try await launcher.removeLeftovers()
  return figures
}

private func calls(_ count: Int, _ instance: PluginInstance) async throws -> [Double] {
  var times: [Double] = []
  times.reserveCapacity(count)
  for _ in 0..<count {
    let start = berth_monotonic_ns()
    _ = try await instance.call("status", ["storeid": "bench", "scfg": [:]])
    times.append(Double(berth_monotonic_ns() - start) / 1000)
  }
  return times
}

/// The times of calls in several rounds.
private struct Rounds {
  private var all: [Double] = []
  private var percentiles: [Double] = []

  mutating func add(_ times: [Double]) {
    all += times
    percentiles.append(percentile(times, 0.99))
  }

  /// The 99th percentile of a round in the middle.
  var typical: Double { median(percentiles) }
  /// The 99th percentile of all calls together.
  var pooled: Double { percentile(all, 0.99) }
}

private enum Neighbour: String, CaseIterable {
  case flooding = "flood", forking = "fork", hogging = "hog", hanging = "hang"
  /// A user of its own for each.
  var uid: UInt32 {
    switch self {
    case .flooding: 655_111
    case .forking: 655_112
    case .hogging: 655_113
    case .hanging: 655_114
    }
  }

  var text: String {
    switch self {
    case .flooding: "that floods its output"
    case .forking: "that forks without end"
    case .hogging: "that hogs memory"
    case .hanging: "in uninterruptible sleep"
    }
  }
}

/// The bundle, the plans and the place that never answers.
final class NeighbourBench {
  let directory = temporaryDirectory()
  private var bundle: String { directory + "/bundle" }

  init() throws {
    chmod(directory, 0o755)
    mkdir(bundle, 0o755)
    guard system("cp '\(peerProgram())' '\(bundle)/bench-peer'") == 0 else {
      throw BenchmarkError("cannot make a bundle in \(bundle)")
    }
  }

  func remove() { _ = system("umount -l '\(directory)/place' 2>/dev/null; rm -rf '\(directory)'") }

  /// `quick` answers, every other kind misbehaves at its first call.
  func plan(_ kind: String, uid: UInt32, granted: String? = nil) -> LaunchPlan {
    var plan = LaunchPlan(
      instance: "bench-\(kind)", mode: .privileged, bundle: bundle, executable: "bench-peer", uid: uid)
    plan.arguments = kind == "quick" ? ["plugin", "sleeps"] : ["neighbour", kind]
    plan.systemDirectories += runtimeDirectories()
    if let granted { plan.permissions.files = [FilePermission(path: granted, access: .readWrite)] }
    return plan
  }

  /// The same program without any confinement.
  func plain() throws -> (pid: pid_t, input: Int32, output: Int32) {
    var toChild: [Int32] = [0, 0]
    var fromChild: [Int32] = [0, 0]
    guard berth_pipe(&toChild) == 0, berth_pipe(&fromChild) == 0 else { throw BenchmarkError("no pipe") }
    let pid = try spawn(bundle + "/bench-peer", ["plugin", "sleeps"], input: toChild[0], output: fromChild[1])
    close(toChild[0])
    close(fromChild[1])
    return (pid, toChild[1], fromChild[0])
  }

  func instance(
    _ kind: String, uid: UInt32, _ launcher: Launcher, _ reactor: Reactor, granted: String? = nil
  ) throws -> PluginInstance {
    let manifest: JSON = [
      "id": "org.berth.bench", "name": "Bench", "vendor": "The Berth developers", "version": "1.0.0",
      "executable": "bench-peer", "sha256": .string(String(repeating: "0", count: 64)),
      "protocol": ["min": "1.0", "max": "1.0"], "concurrency": "parallel", "fencing": "none",
      "storageTypes": [
        [
          "type": "bench", "roles": ["file"], "content": ["supported": ["images"], "default": ["images"]],
          "formats": ["supported": ["raw"], "default": "raw"], "volumeNames": "directory",
          "configSchema": ["type": "object", "properties": [:], "additionalProperties": false],
        ]
      ],
      "methods": ["activate_storage", "status", "list_images", "alloc_image", "free_image", "volume_size_info"],
    ]
    let checked = PluginBundle(
      path: bundle, manifest: try PluginManifest(json: manifest), digest: "", protocolVersion: ProtocolVersion(1, 0))
    var configuration = InstanceConfiguration(
      bundle: checked, storeid: "bench", storageType: "bench",
      host: HostInfo(name: "bench", version: "0", node: "bench"))
    configuration.cancelGrace = .milliseconds(300)
    configuration.terminateGrace = .milliseconds(300)
    configuration.shutdownTimeout = .milliseconds(300)
    let plan = plan(kind, uid: uid, granted: granted)
    return PluginInstance(
      configuration: configuration, launcher: SandboxLauncher(launcher), services: NoHostServices(), reactor: reactor,
      logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
    ) { _ in plan }
  }

  /// A FUSE file system whose server takes questions and gives no answer.
  func stuckMount(uid: UInt32) async throws -> BenchStuckMount {
    let place = directory + "/place"
    mkdir(place, 0o755)
    let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    let compiler = "test -x '\(place).fuse' || cc -std=gnu17 -O1 -w -static -o '\(place).fuse'"
    guard system("\(compiler) '\(root)/Tests/Hostile/fuse.c'") == 0 else {
      throw BenchmarkError("the FUSE server does not compile")
    }
    var toChild: [Int32] = [0, 0]
    var fromChild: [Int32] = [0, 0]
    guard berth_pipe(&toChild) == 0, berth_pipe(&fromChild) == 0 else { throw BenchmarkError("no pipe") }
    let pid = try spawn(place + ".fuse", [place, "\(uid)"], input: toChild[0], output: fromChild[1])
    close(toChild[0])
    close(fromChild[1])
    let mount = BenchStuckMount(path: place, pid: pid, input: toChild[1], output: fromChild[0])
    await mount.asked()  // "ready" comes first
    return mount
  }
}

/// The running server; `thaw()` ends it and frees whoever waits.
struct BenchStuckMount: Sendable {
  let path: String
  let pid: pid_t
  let input: Int32
  let output: Int32

  /// Waits for the server's next line.
  func asked() async {
    let output = output
    await onThread {
      var byte: UInt8 = 0
      while read(output, &byte, 1) == 1, byte != 10 {}
    }
  }

  func thaw() {
    close(input)
    close(output)
    waitpid(pid, nil, 0)
  }
}
