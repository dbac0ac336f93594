// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc

/// The floor of every round trip: two C processes that pass so many bytes to and fro over two pipes, with blocking reads
/// and writes, batch by batch as asked.
struct PingPong {
  private let pid: pid_t
  private let input: Int32
  private let output: Int32

  init(size: Int) throws {
    var input: [Int32] = [0, 0]
    var output: [Int32] = [0, 0]
    guard berth_pipe(&input) == 0, berth_pipe(&output) == 0 else { throw BenchmarkError("no pipe") }
    pid = try spawn(peerProgram(), ["pingpong", String(size)], input: input[0], output: output[1])
    close(input[0])
    close(output[1])
    self.input = input[1]
    self.output = output[0]
  }

  /// How long a batch takes, of this and of what is held against it, in ms: many of the scheduler's balancing rounds,
  /// so that what is measured is where both sides stay and not where their first wake-up happened to put them.
  static let batchTime = 250

  /// The median of a batch's round trips in µs.
  func batch(milliseconds: Int = batchTime) async throws -> Double {
    let (input, output) = (input, output)
    let line = await onThread { () -> String in
      let order = Array("\(milliseconds)\n".utf8)
      guard order.withUnsafeBytes({ write(input, $0.baseAddress, $0.count) }) == order.count else { return "" }
      var buffer = [UInt8](repeating: 0, count: 256)
      let count = read(output, &buffer, buffer.count)
      return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }
    guard let time = line.split(separator: " ").first.flatMap({ Double($0) }) else {
      throw BenchmarkError("bench-peer printed no time")
    }
    return time / 1000
  }

  func stop() async throws {
    close(input)
    try await waitFor(pid)
    close(output)
  }
}

/// The time of each call in µs, one after the other for as long as a batch of ``PingPong`` takes.
func batchTimes(milliseconds: Int = PingPong.batchTime, of call: () async throws -> Void) async throws -> [Double] {
  var times: [Double] = []
  var start = berth_monotonic_ns()
  let end = start + Int64(milliseconds) * 1_000_000
  while start < end {
    try await call()
    let time = berth_monotonic_ns()
    times.append(Double(time - start) / 1000)
    start = time
  }
  return times
}

/// Medians of two things measured in turns, a batch of one and a batch of the other: the machine's moods (where the
/// scheduler puts who, how deep idle processors sleep, other work) fall on both.
func inTurns(
  rounds: Int, _ first: () async throws -> Double, _ second: () async throws -> Double
) async throws -> (Double, Double) {
  var firsts: [Double] = []
  var seconds: [Double] = []
  for _ in 0..<rounds {
    seconds.append(try await second())
    firsts.append(try await first())
  }
  return (median(firsts), median(seconds))
}
