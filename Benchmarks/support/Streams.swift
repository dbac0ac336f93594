// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// How long the streams of the benchmarks are, in bytes: 4 GiB, or `BERTH_BENCH_EXPORT_GIB`.
package var exportedBytes: Int { (getenv("BERTH_BENCH_EXPORT_GIB").flatMap { Int(String(cString: $0)) } ?? 4) << 30 }

/// Runs two programs, the first's output being the second's input, whose output is dropped.
package func pipeline(
  _ first: (program: String, arguments: [String]), _ second: (program: String, arguments: [String])
) async throws {
  var ends: [Int32] = [0, 0]
  guard berth_pipe(&ends) == 0 else { throw BenchmarkError("no pipe") }
  let null = open("/dev/null", O_RDWR | O_CLOEXEC)
  let writer = try spawn(first.program, first.arguments, input: null, output: ends[1])
  let reader = try spawn(second.program, second.arguments, input: ends[0], output: null)
  close(ends[0])
  close(ends[1])
  close(null)
  try await waitFor(writer)
  try await waitFor(reader)
}

/// Megabytes (10^6) a second.
package func speed(_ bytes: Int64, _ body: () async throws -> Void) async rethrows -> Double {
  let start = ContinuousClock.now
  try await body()
  return Double(bytes) / 1e6 / (start.duration(to: .now) / .seconds(1))
}

/// Fills a file with bytes that are no zeros and do not repeat in a page.
package func writeImage(_ path: String, bytes: Int) throws {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  guard file >= 0 else { throw BenchmarkError("cannot make \(path)") }
  defer { close(file) }
  var block = [UInt64](repeating: 0, count: (4 << 20) / 8)
  var state: UInt64 = 0x9e37_79b9_7f4a_7c15
  for place in block.indices {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    block[place] = state
  }
  for number in 0..<(bytes / (4 << 20)) {
    block[0] = UInt64(number)
    let written = block.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    guard written == 4 << 20 else { throw BenchmarkError("cannot fill \(path): is the disk full?") }
  }
}
