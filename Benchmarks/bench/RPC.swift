// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import JSON
import JSONRPC

/// A call through a connection to a C plugin that reads JSON and answers at once, against two C programs passing the
/// same bytes to and fro, and against starting a Python process for every call.
func benchmarkRPC() async throws -> [Figure] {
  var figures: [Figure] = []
  var smallCall = 0.0
  for placement in Placement.allCases {
    for (name, size) in [("200 B", 200), ("4 KiB", 4096)] {
      let (call, cpu, floor) = try await placement.holds { try await compare(size: size, placement) }
      if size == 200, placement == .scheduled { smallCall = call }
      figures.append(
        Figure(
          name: "rpc round trip \(name), \(placement.rawValue)", figure: call, peer: floor,
          peerName: "C pipe ping-pong", unit: "µs", target: placement == .oneProcessor ? .none : .atMost(1.5)))
      figures.append(
        Figure(name: "rpc CPU of the host \(name), \(placement.rawValue)", figure: cpu, unit: "µs", target: .none))
    }
  }
  let (pair, floors) = try await twoAtOnce()
  figures.append(
    Figure(
      name: "rpc two connections at once, 200 B", figure: pair, peer: floors, peerName: "two C pipe ping-pongs",
      unit: "µs", target: .none))
  figures.append(
    Figure(
      name: "python3 started for every call", figure: try await pythonPerCall(), peer: smallCall, peerName: "rpc",
      unit: "µs", target: .atLeast(100)))
  figures.append(
    Figure(name: "rpc pipelined, 32 in flight", figure: try await pipelined(), unit: "calls/s", target: .none))
  return figures
}

/// Medians in µs: of a call, of our own CPU time for it, and of the floor.
private func compare(size: Int, _ placement: Placement) async throws -> (call: Double, cpu: Double, floor: Double) {
  let floor = try PingPong(size: size)
  let answerer = try Answerer()
  let params = answerer.params(lineBytes: size)
  try await placement.settle()
  for _ in 0..<1000 { try await answerer.call(params) }
  var cpus: [Double] = []
  let (call, pipe) = try await inTurns(rounds: 12) {
    let before = ownCPU()
    let times = try await batchTimes { try await answerer.call(params) }
    cpus.append((ownCPU() - before) / Double(times.count))
    return median(times)
  } _: {
    try await floor.batch()
  }
  await answerer.stop()
  try await floor.stop()
  return (call, median(cpus), pipe)
}

/// Medians in µs of calls on two connections at the same time, and of two floors at the same time.
private func twoAtOnce() async throws -> (call: Double, floor: Double) {
  let (floor, otherFloor) = (try PingPong(size: 200), try PingPong(size: 200))
  let (answerer, other) = (try Answerer(), try Answerer())
  let params = answerer.params(lineBytes: 200)
  let medians = try await inTurns(rounds: 12) {
    async let second = batchTimes { try await other.call(params) }
    return median(try await batchTimes { try await answerer.call(params) } + second)
  } _: {
    async let second = otherFloor.batch()
    let first = try await floor.batch()
    return (first + (try await second)) / 2
  }
  await answerer.stop()
  await other.stop()
  try await floor.stop()
  try await otherFloor.stop()
  return medians
}

private func pipelined() async throws -> Double {
  let answerer = try Answerer()
  let params = answerer.params(lineBytes: 200)
  let each = 5000
  let start = berth_monotonic_ns()
  try await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<32 { group.addTask { for _ in 0..<each { try await answerer.call(params) } } }
    try await group.waitForAll()
  }
  let seconds = Double(berth_monotonic_ns() - start) / 1e9
  await answerer.stop()
  return Double(32 * each) / seconds
}

/// Median µs of starting a Python program that reads one request and writes one answer.
private func pythonPerCall() async throws -> Double {
  let program = """
    import json, sys
    request = json.loads(sys.stdin.readline())
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": request["params"]}))
    """
  var times: [Double] = []
  for _ in 0..<15 {
    let start = berth_monotonic_ns()
    var input: [Int32] = [0, 0]
    var output: [Int32] = [0, 0]
    guard berth_pipe(&input) == 0, berth_pipe(&output) == 0 else { throw BenchmarkError("no pipe") }
    let pid = try spawn("/usr/bin/python3", ["-c", program], input: input[0], output: output[1])
    close(input[0])
    close(output[1])
    let line = Array(#"{"jsonrpc":"2.0","id":1,"method":"status","params":{}}"#.utf8) + [10]
    _ = line.withUnsafeBytes { write(input[1], $0.baseAddress, $0.count) }
    close(input[1])
    let readEnd = output[0]
    let count = await onThread { () -> Int in
      var buffer = [UInt8](repeating: 0, count: 4096)
      defer { close(readEnd) }
      return read(readEnd, &buffer, buffer.count)
    }
    try await waitFor(pid)
    guard count > 0 else { throw BenchmarkError("python3 did not answer") }
    times.append(Double(berth_monotonic_ns() - start) / 1000)
  }
  return median(times)
}

/// CPU time of this process so far, in µs.
private func ownCPU() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  func microseconds(_ time: timeval) -> Double { Double(time.tv_sec) * 1e6 + Double(time.tv_usec) }
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime)
}

/// A connection to `bench-peer plugin`.
private struct Answerer {
  private let peer: Peer
  private let pid: pid_t

  init() throws {
    _ = berth_ignore_sigpipe()
    var input: [Int32] = [0, 0]
    var output: [Int32] = [0, 0]
    guard berth_pipe(&input) == 0, berth_pipe(&output) == 0 else { throw BenchmarkError("no pipe") }
    pid = try spawn(peerProgram(), ["plugin", "polls"], input: input[0], output: output[1])
    close(input[0])
    close(output[1])
    peer = try Peer(reading: output[0], writing: input[1], reactor: Reactor())
  }

  /// Params that make the request's line so many bytes long.
  func params(lineBytes: Int) -> JSON {
    let frame = #"{"jsonrpc":"2.0","id":1000,"method":"status","params":{"data":""}}"#.utf8.count + 1
    return ["data": .string(String(repeating: "x", count: max(0, lineBytes - frame)))]
  }

  /// One call.
  func call(_ params: JSON) async throws { _ = try await peer.call("status", params, timeout: .seconds(30)) }

  func stop() async {
    peer.closeOutput()
    try? await waitFor(pid)
    peer.close(.closed("done"))
  }
}
