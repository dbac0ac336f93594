// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// Seeded loops over random input, short in an ordinary test run and as long as asked for in a soak.
///
/// Environment: `FUZZ_SECONDS` is the time of each loop; `BERTH_FUZZ_ROUNDS` multiplies its rounds by that many
/// thousandths (1,000,000: a thousand times as many); `FUZZ_SEED` is the first seed (1 by default, so that ordinary
/// runs are the same every time).
public enum Fuzz {
  private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

  /// The seed a loop begins with.
  public static var firstSeed: UInt64 { number("FUZZ_SEED") ?? 1 }

  /// Seeds for a parameterised test: the first `count` from ``firstSeed``.
  public static func seeds(_ count: Int) -> [UInt64] { (0..<UInt64(count)).map { firstSeed &+ $0 } }

  /// Runs the body with one seed after another: `rounds` times, or as the environment says.
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
      left = Fuzz.number("BERTH_FUZZ_ROUNDS").map { max(rounds, rounds * Int(min($0, 1 << 32)) / 1000) } ?? rounds
      end = Fuzz.number("FUZZ_SECONDS").map { berth_monotonic_ns() + Int64($0) * 1_000_000_000 }
    }

    mutating func goesOn() -> Bool {
      left -= 1
      if let end { return berth_monotonic_ns() < end }
      return left >= 0
    }
  }
}
