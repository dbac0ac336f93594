// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// kill -9 of the daemon or a plugin at random moments under load, again and again: nothing acknowledged is lost, nothing
/// is there twice or by halves, nothing leaks.
///
/// A few rounds here; `BERTH_KILL_ROUNDS=1000` is the long run. A failure names its seed, and `BERTH_KILL_SEED` makes
/// the same decisions again.
@Suite("kill -9 under load", .serialized, .requires(.root), .requires(.program("qemu-img")))
struct KillCampaignTests {
  static let rounds = number("BERTH_KILL_ROUNDS").map(Int.init) ?? 6
  static let seed = number("BERTH_KILL_SEED") ?? UInt64.random(in: 0..<1_000_000)

  private static func number(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }

  @Test(.timeLimit(.minutes(600))) func nothingAcknowledgedIsLost() async throws {
    let host = try await Installation()
    print("BERTH_KILL_SEED=\(Self.seed) BERTH_KILL_ROUNDS=\(Self.rounds)")
    let campaign = try await KillCampaign(host, seed: Self.seed)
    let start = ContinuousClock.now
    var round = 0
    do {
      while round < Self.rounds {
        try await campaign.round(round)
        round += 1
        if round.isMultiple(of: 50) {
          print("\(await campaign.summary(round)); \(ContinuousClock.now - start)")
          fflush(nil)
        }
      }
      try await campaign.finish()
    } catch {
      let log = host.log.split(separator: "\n").suffix(150).joined(separator: "\n")
      Issue.record("seed \(Self.seed), round \(round): \(error)\nThe end of the daemon's log:\n\(log)")
    }
    await campaign.close()
    print("\(await campaign.summary(round)); \(ContinuousClock.now - start)")
  }
}
