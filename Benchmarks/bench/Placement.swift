// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import Glibc

/// Where both sides of a comparison may run; the rule holds for ours and for the peer alike.
enum Placement: String, CaseIterable {
  /// Wherever the scheduler puts whom.
  case scheduled = "as scheduled"
  /// All of it, our threads and every process started meanwhile, on one processor: nobody has to be woken elsewhere, but
  /// no two things can happen at once either.
  case oneProcessor = "one processor"
  /// Our threads on one, whoever answers on another (as kernels that look for an idle processor do by themselves).
  case twoProcessors = "two processors"

  private var command: String? {
    switch self {
    case .scheduled: nil
    case .oneProcessor: "one"
    case .twoProcessors: "apart"
    }
  }

  /// Does the work under the rule; those started meanwhile come under it with ``settle()``.
  func holds<Value>(during work: () async throws -> Value) async throws -> Value {
    guard command != nil else { return try await work() }
    try await settle()
    do {
      let value = try await work()
      _ = try await runPeer(["place", "all", String(getpid())])
      return value
    } catch {
      _ = try await runPeer(["place", "all", String(getpid())])
      throw error
    }
  }

  /// Puts every process there is now where it belongs.
  func settle() async throws {
    if let command { _ = try await runPeer(["place", command, String(getpid())]) }
  }
}
