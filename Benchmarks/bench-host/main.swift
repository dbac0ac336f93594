// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport

// bench-host [NAME…]: what the whole daemon can do, asked over its socket like any client. Runs in the checkout.

/// Every benchmark by name; each lives in files of its own.
let benchmarks: [(name: String, run: () async throws -> [Figure])] = [
  ("export", benchmarkExport),
  ("lists", benchmarkLists),
  ("storages", benchmarkStorages),
]

await runBenchmarks(benchmarks)
