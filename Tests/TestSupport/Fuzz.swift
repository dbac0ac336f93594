// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// Seeded loops over random input, short in an ordinary test run and as long as asked for in a soak.
///
/// Environment: `FUZZ_SECONDS` is the time of each loop (default: a fixed number of rounds only), `FUZZ_SEED` the first
/// seed (default: 1, so that ordinary runs are the same every time).
public enum Fuzz {
  private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

  /// The seed a loop begins with.
  public static var firstSeed: UInt64 { number("FUZZ_SEED") ?? 1 }

  /// Seeds for a parameterised test: the first `count` from ``firstSeed``.
  public static func seeds(_ count: Int) -> [UInt64] { (0..<UInt64(count)).map { firstSeed &+ $0 } }

  /// Runs the body with one seed after another: `rounds` times, or for `FUZZ_SECONDS` when that is set.
  public static func run(rounds: Int, _ body: (_ seed: UInt64, inout SeededGenerator) throws -> Void) rethrows {
    var seed = firstSeed
    var loop = Loop(rounds: rounds)
    while loop.goesOn() {
      var generator = SeededGenerator(seed: seed)
      try body(seed, &generator)
      seed &+= 1
    }
  }

  /// The same for bodies that suspend.
  public static func run(
    rounds: Int, _ body: (_ seed: UInt64, inout SeededGenerator) async throws -> Void
  ) async rethrows {
    var seed = firstSeed
    var loop = Loop(rounds: rounds)
    while loop.goesOn() {
      var generator = SeededGenerator(seed: seed)
      try await body(seed, &generator)
      seed &+= 1
    }
  }

  private struct Loop {
    var left: Int
    let end: Int64?

    init(rounds: Int) {
      left = rounds
      end = Fuzz.number("FUZZ_SECONDS").map { berth_monotonic_ns() + Int64($0) * 1_000_000_000 }
    }

    mutating func goesOn() -> Bool {
      left -= 1
      if let end { return berth_monotonic_ns() < end }
      return left >= 0
    }
  }
}
