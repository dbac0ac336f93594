// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// kill -9 of the launcher's server at random moments under load, with and without the plugins it had started: the same
/// daemon goes on, no call hangs, nothing acknowledged is lost, no plugin is taken for unkillable or for a crashed one.
///
/// `BERTH_KILL_ROUNDS` and `BERTH_KILL_SEED` as in the campaign against daemon and plugins.
@Suite("kill -9 of the launcher under load", .serialized, .requires(.root), .requires(.program("qemu-img")))
struct LauncherDeathTests {
  @Test(.timeLimit(.minutes(600))) func theDaemonGoesOn() async throws {
    let host = try await Installation()
    let launcher = try await LauncherServer(host)
    let (rounds, seed) = (max(KillCampaignTests.rounds, 12), KillCampaignTests.seed)
    print("BERTH_KILL_SEED=\(seed) BERTH_KILL_ROUNDS=\(rounds)")
    let campaign = try await KillCampaign(host, seed: seed, launcher: launcher)
    let daemon = host.daemon
    var round = 0
    do {
      while round < rounds {
        try await campaign.round(round)
        round += 1
      }
      #expect(host.daemon == daemon && ProcessTable.isAlive(daemon))
      #expect(!host.log.contains("quarantined") && !host.log.contains("cannot be killed"))
      try await campaign.finish()
    } catch {
      let log = host.log.split(separator: "\n").suffix(150).joined(separator: "\n")
      Issue.record("seed \(seed), round \(round): \(error)\nThe end of the daemon's log:\n\(log)")
    }
    await campaign.close()
    print(await campaign.summary(round))
  }
}
