// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import ClusterLocks
import Glibc

/// Taking and giving back a free lock with the embedded service, against an flock on a file that is open already (no
/// queue, no token, no holder to see), and what a fencing token would cost if each were made durable by itself.
func benchmarkLocks() async throws -> [Figure] {
  var template = Array("/tmp/berth-bench-locks-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw BenchmarkError("no temporary directory: errno \(errno)") }
  let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer {
    for name in ["tokens", "lock", "peer"] { unlink("\(directory)/\(name)") }
    rmdir(directory)
  }
  let locks = try EmbeddedLocks(directory: directory)
  let file = open("\(directory)/peer", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
  guard file >= 0 else { throw BenchmarkError("no file to lock: errno \(errno)") }
  defer { close(file) }

  var ours: [Double] = []
  var floors: [Double] = []
  for _ in 0..<5 {
    ours.append(try await uncontended(locks, count: 20_000))
    floors.append(flocked(file, count: 20_000))
  }
  return [
    Figure(name: "lock acquire and release, free", figure: median(ours), unit: "µs", target: .atMost(20)),
    Figure(
      name: "lock beside a bare flock", figure: median(ours), peer: median(floors), peerName: "flock", unit: "µs",
      target: .none),
    Figure(
      name: "lock handed on, 64 waiting", figure: try await handedOn(locks, waiters: 64, rounds: 40), unit: "µs",
      target: .none),
    Figure(name: "one token made durable", figure: synced(file), unit: "µs", target: .none),
  ]
}

/// µs for one acquire and release of a lock nobody else wants, the mean of many.
private func uncontended(_ locks: EmbeddedLocks, count: Int) async throws -> Double {
  let request = LockRequest(.storage("bench"), owner: "bench", operation: "measure")
  let start = berth_monotonic_ns()
  for _ in 0..<count {
    let lease = try await locks.acquire(request)
    await locks.release(lease)
  }
  return Double(berth_monotonic_ns() - start) / 1000 / Double(count)
}

private func flocked(_ file: Int32, count: Int) -> Double {
  let start = berth_monotonic_ns()
  for _ in 0..<count {
    flock(file, LOCK_EX)
    flock(file, LOCK_UN)
  }
  return Double(berth_monotonic_ns() - start) / 1000 / Double(count)
}

/// µs from one holder's release to the next holder's grant and release, when all wait for one lock.
private func handedOn(_ locks: EmbeddedLocks, waiters: Int, rounds: Int) async throws -> Double {
  let request = LockRequest(.storage("bench"), owner: "bench", operation: "measure")
  let start = berth_monotonic_ns()
  try await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<waiters {
      group.addTask {
        for _ in 0..<rounds {
          let lease = try await locks.acquire(request)
          await locks.release(lease)
        }
      }
    }
    try await group.waitForAll()
  }
  return Double(berth_monotonic_ns() - start) / 1000 / Double(waiters * rounds)
}

/// µs to write eight bytes and sync them: what every lock would cost without ranges reserved ahead.
private func synced(_ file: Int32) -> Double {
  var times: [Double] = []
  for value in 0..<50 {
    var bytes = UInt64(value)
    let start = berth_monotonic_ns()
    pwrite(file, &bytes, 8, 0)
    fsync(file)
    times.append(Double(berth_monotonic_ns() - start) / 1000)
  }
  return median(times)
}
