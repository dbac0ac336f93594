// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import Glibc

/// Where both sides of a comparison may run; the rule holds for ours and for the peer alike.
enum Placement: String, CaseIterable {
  /// Wherever the scheduler puts whom.
  case scheduled = "as scheduled"
  /// All of it, our threads and every process started meanwhile, on one processor: the least a pipe can cost, since
  /// nobody has to be woken elsewhere.
  case oneProcessor = "one processor"

  /// Does the work under the rule.
  func holds<Value>(during work: () async throws -> Value) async throws -> Value {
    guard self == .oneProcessor else { return try await work() }
    _ = try await runPeer(["place", "one", String(getpid())])
    do {
      let value = try await work()
      _ = try await runPeer(["place", "all", String(getpid())])
      return value
    } catch {
      _ = try await runPeer(["place", "all", String(getpid())])
      throw error
    }
  }
}
