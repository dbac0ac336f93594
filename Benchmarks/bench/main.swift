// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

// bench [NAME…]: runs the named benchmarks (all without a name), prints one line a figure, and exits with 1 when one
// falls short of its target. Every figure is compared with a peer measured in the same run.

/// Every benchmark by name; each lives in files of its own.
let benchmarks: [(name: String, run: () async throws -> [Figure])] = [
  ("export", benchmarkExport),
  ("locks", benchmarkLocks),
  ("rpc", { try await benchmarkRPC() + benchmarkRPCStack() }),
  ("spawn", benchmarkSpawn),
]

let wanted = Array(CommandLine.arguments.dropFirst())
let known = benchmarks.map(\.name)
if let stranger = wanted.first(where: { !known.contains($0) }) {
  complain("there is no benchmark \(stranger); known are: \(known.joined(separator: " "))")
  exit(2)
}

var isShort = false
for benchmark in benchmarks where wanted.isEmpty || wanted.contains(benchmark.name) {
  do {
    for figure in try await benchmark.run() {
      print(figure.line)
      if !figure.isMet { isShort = true }
    }
  } catch {
    complain("\(benchmark.name): \(error)")
    isShort = true
  }
  fflush(nil)
}
exit(isShort ? 1 : 0)
