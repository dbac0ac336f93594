// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport

// bench [NAME…]: what the plugin layer and the rooms below it can do.

/// Every benchmark by name; each lives in files of its own.
let benchmarks: [(name: String, run: () async throws -> [Figure])] = [
  ("locks", benchmarkLocks),
  ("neighbours", benchmarkNeighbours),
  ("relay", benchmarkRelay),
  ("rpc", { try await benchmarkRPC() + benchmarkRPCStack() }),
  ("spawn", benchmarkSpawn),
  ("tax", benchmarkTax),
  ("teardown", benchmarkTeardown),
]

if CommandLine.arguments.dropFirst().first == "--hold" {
  try await holdPlugin(socket: CommandLine.arguments.dropFirst(2).first)
}
await runBenchmarks(benchmarks)
