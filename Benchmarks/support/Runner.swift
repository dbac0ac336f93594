// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A benchmark program's main: runs the benchmarks named on the command line (all without a name), prints one line a
/// figure, and exits with 1 when one falls short of its target, 2 when a name is not known. `--names` lists the names.
/// Every figure is compared with a peer measured in the same run.
package func runBenchmarks(_ benchmarks: [(name: String, run: () async throws -> [Figure])]) async -> Never {
  let wanted = Array(CommandLine.arguments.dropFirst())
  let known = benchmarks.map(\.name)
  if wanted == ["--names"] {
    print(known.joined(separator: " "))
    exit(0)
  }
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
}
