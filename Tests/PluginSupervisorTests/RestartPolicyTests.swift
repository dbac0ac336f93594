// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PluginSupervisor

@Suite struct RestartPolicyTests {
  let start = ContinuousClock.now

  @Test func pausesDoubleUpToTheLongest() {
    // A crash every 90 s: never five in three minutes, never a calm window in between.
    var history = RestartHistory<ContinuousClock.Instant>()
    var pauses: [Duration] = []
    for crash in 0..<9 {
      let now = start + .seconds(90 * crash)
      guard case .backoff(let until) = history.crashed(at: now) else {
        Issue.record("quarantined after crash \(crash)")
        return
      }
      pauses.append(now.duration(to: until))
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
  }

  @Test func theFifthCrashWithinTheWindowQuarantines() {
    var history = RestartHistory<ContinuousClock.Instant>()
    for crash in 0..<4 { _ = history.crashed(at: start + .seconds(crash * 40)) }
    #expect(!history.isQuarantined)
    #expect(history.crashed(at: start + .seconds(170)) == .quarantined(crashes: 5))
    #expect(history.isQuarantined)
    #expect(history.wait(at: start + .seconds(100_000)) == nil)
    #expect(history.isQuarantined, "time alone releases nothing")
    history.release()
    #expect(!history.isQuarantined)
    #expect(history.crashed(at: start + .seconds(171)) == .backoff(until: start + .seconds(172)))
  }

  @Test func aCalmWindowStartsAgainWithTheFirstPause() {
    var history = RestartHistory<ContinuousClock.Instant>()
    for crash in 0..<3 { _ = history.crashed(at: start + .seconds(crash)) }
    let later = start + .seconds(2 + 181)
    #expect(history.crashed(at: later) == .backoff(until: later + .seconds(1)))
    #expect(history.total == 4)
  }

  @Test func theWaitShrinksWithTime() {
    var history = RestartHistory<ContinuousClock.Instant>()
    _ = history.crashed(at: start)
    #expect(history.wait(at: start) == .seconds(1))
    #expect(history.wait(at: start + .milliseconds(400)) == .milliseconds(600))
    #expect(history.wait(at: start + .seconds(1)) == nil)
  }
}
