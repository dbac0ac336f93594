// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import PluginSandbox

/// How long the end takes: of five hundred hostile processes after one kill, and of plugins whose host is killed; with the
/// launcher as a program and as a server.
func benchmarkTeardown() async throws -> [Figure] {
  guard geteuid() == 0 else { throw BenchmarkError("the teardown is measured as root") }
  let program = try Launcher.defaultProgram()
  let server = try LauncherServer(program)
  defer { server.stop() }
  return try await teardown(.program(path: program), "program") + teardown(.server(socket: server.socket), "server")
}

private func teardown(_ transport: Launcher.Transport, _ kind: String) async throws -> [Figure] {
  let bench = try NeighbourBench()
  defer { bench.remove() }
  let launcher = Launcher(transport: transport, scope: "bench-down-\(getpid())-\(kind)")
  var crowds: [Double] = []
  for _ in 0..<10 {
    var plan = bench.plan("crowd", uid: 655_200)
    plan.permissions.runtime.processCount = 600
    let process = try await launcher.launch(plan)
    let output = process.standardOutput
    _ = berth_set_nonblocking(output, 0)
    let ready = await onThread { firstByte(output) }
    guard ready else { throw BenchmarkError("the crowd did not gather") }
    let begun = berth_monotonic_ns()
    try await process.kill()
    // Everybody held the pipe: its end says that the last one is gone.
    await onThread { while firstByte(output) {} }
    crowds.append(Double(berth_monotonic_ns() - begun) / 1_000_000)
    process.close()
  }
  try await launcher.removeLeftovers()
  var deaths: [Double] = []
  for _ in 0..<20 { deaths.append(try await hostKilled(transport)) }
  func figure(_ name: String, _ value: Double?, _ limit: Double) -> Figure {
    Figure(name: "\(name), \(kind)", figure: value ?? .nan, unit: "ms", target: .atMost(limit))
  }
  return [
    figure("500 hostile processes gone, median", median(crowds), 100),
    figure("500 hostile processes gone, worst of 10", crowds.max(), 100),
    figure("plugin gone after its host's kill -9, median", median(deaths), 50),
    figure("plugin gone after its host's kill -9, worst of 20", deaths.max(), 50),
  ]
}

private func firstByte(_ descriptor: Int32) -> Bool {
  var byte: UInt8 = 0
  return read(descriptor, &byte, 1) == 1
}

/// Kills a host with a plugin and waits for the plugin's end, in milliseconds.
private func hostKilled(_ transport: Launcher.Transport) async throws -> Double {
  var ends: [Int32] = [0, 0]
  guard berth_pipe(&ends) == 0 else { throw BenchmarkError("no pipe") }
  let null = open("/dev/null", O_RDWR | O_CLOEXEC)
  var arguments = ["--hold"]
  if case .server(let socket) = transport { arguments.append(socket) }
  let host = try spawn("/proc/self/exe", arguments, input: null, output: ends[1])
  close(null)
  close(ends[1])
  let output = ends[0]
  let line = await onThread { () -> String in
    var text: [UInt8] = []
    var byte: UInt8 = 0
    while read(output, &byte, 1) == 1, byte != 10 { text.append(byte) }
    return String(decoding: text, as: UTF8.self)
  }
  close(output)
  guard let pid = Int32(line) else { throw BenchmarkError("the host started no plugin") }
  let pidfd = berth_pidfd_open(pid)
  defer { close(pidfd) }
  let begun = berth_monotonic_ns()
  kill(host, SIGKILL)
  let gone = await onThread {
    var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
    return poll(&watched, 1, 10_000)
  }
  let time = Double(berth_monotonic_ns() - begun) / 1_000_000
  waitpid(host, nil, 0)
  guard gone == 1 else { throw BenchmarkError("the plugin outlived its host by ten seconds") }
  try await Launcher(transport: transport, scope: "bench-hold-\(host)").removeLeftovers()
  return time
}

/// The host that is to be killed: one plugin, its number on standard output, and then nothing more.
/// - Parameter socket: the launcher server's; nil for the launcher program.
func holdPlugin(socket: String?) async throws -> Never {
  let bench = try NeighbourBench()
  var transport = Launcher.Transport.program(path: try Launcher.defaultProgram())
  if let socket { transport = .server(socket: socket) }
  let launcher = Launcher(transport: transport, scope: "bench-hold-\(getpid())")
  let process = try await launcher.launch(bench.plan("quick", uid: 655_201))
  try await process.attest()
  bench.remove()  // nobody else will; the plugin keeps what it has mounted
  print(process.pid)
  fflush(nil)
  while true { try await Task.sleep(for: .seconds(3600)) }
}
