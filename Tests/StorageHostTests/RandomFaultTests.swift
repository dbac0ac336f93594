// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// Random operations with random faults: afterwards every volume is one that was acknowledged, or one that is reported.
///
/// `BERTH_FAULT_ROUNDS` sets the number of rounds (20), `BERTH_FAULT_SEED` replays a run.
@Suite(.serialized, .timeLimit(.minutes(600)), .requires(.root)) struct RandomFaultTests {
  private static let faults = [
    "before die", "middle die", "after die", "after nothing", "before error not_started", "after error unknown",
    "after name",
  ]
  private static let targets = [
    "alloc_image", "free_image", "clone_image", "volume_resize", "volume_snapshot", "rename_volume", "create_base",
    "volume_size_info", "list_images", "volume_snapshot_delete",
  ]

  @Test func nothingIsLostOrLeftOver() async throws {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["BERTH_FAULT_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...UInt64.max)
    let rounds = environment["BERTH_FAULT_ROUNDS"].flatMap(Int.init) ?? 20
    print("BERTH_FAULT_SEED=\(seed) BERTH_FAULT_ROUNDS=\(rounds)")
    let fixture = try HostFixture()
    try await fixture.once(adding: ["s1"]) { host in
      var model = Model(host: host, fixture: fixture, random: SeededGenerator(seed: seed))
      let start = ContinuousClock.now
      for round in 1...max(1, rounds) {
        try await model.step(round, faults: Self.faults, targets: Self.targets)
        if round.isMultiple(of: 500) {
          // Found out now and then, not only at the end of hours.
          try await model.check(seed)
          print("\(round) rounds, \(model.known.count) volumes, \(ContinuousClock.now - start)")
          fflush(nil)
        }
      }
      try await model.check(seed)
    }
  }

  /// What the caller was told, to compare with what is there.
  private struct Model {
    let host: StorageHost
    let fixture: HostFixture
    var random: SeededGenerator
    /// Volume names acknowledged and not acknowledged as freed.
    var known: Set<String> = []
    /// Volumes that a failed operation may have touched: its error or the journal speaks of them.
    var doubtful: Set<String> = []

    mutating func step(_ round: Int, faults: [String], targets: [String]) async throws {
      if Int.random(in: 0..<3, using: &random) == 0, let target = targets.randomElement(using: &random),
        let fault = faults.randomElement(using: &random)
      {
        try fixture.order("\(target) \(fault)")
      }
      let victim = known.sorted().randomElement(using: &random)
      do throws(StorageError) {
        try await operate(victim, Int.random(in: 0..<8, using: &random))
      } catch {
        #expect(error.outcome != .completed, "\(error)")
        if error.outcome == .partial || error.outcome == .unknown, let victim { doubtful.insert(victim) }
      }
      // Quarantine is for operators; here the test is one.
      try? await host.release("s1", fixture.caller)
    }

    private mutating func operate(_ victim: String?, _ kind: Int) async throws(StorageError) {
      let caller = fixture.caller
      guard let victim, kind > 1 else {
        known.insert(name(try await host.alloc("s1", vmid: 100, size: 8_192, caller)))
        return
      }
      switch kind {
      case 2, 3:
        do throws(StorageError) { try await host.free("s1", victim, caller) } catch {
          if error.code == .hasDependents { return }
          throw error
        }
        known.remove(victim)
      case 4:
        let target = name(try await host.rename("s1", victim, vmid: 101, caller))
        known.remove(victim)
        known.insert(target)
      case 5: try await host.snapshot("s1", victim, "snap\(known.count)", caller)
      case 6: _ = try await host.resize("s1", victim, size: 16_384, caller)
      default: known.insert(name(try await host.clone("s1", victim, vmid: 102, caller)))
      }
    }

    private func name(_ volid: String) -> String { String(volid.dropFirst(3)) }

    func check(_ seed: UInt64) async throws {
      try? FileManager.default.removeItem(atPath: fixture.data("s1") + "/.faults")
      try? await host.release("s1", fixture.caller)
      _ = try await host.reconcile(nil, fixture.caller)
      let present = Set(try await fixture.volumes(host))
      let reported = try await host.journal.reported()
      let spoken = reported.map { "\($0.intent) \($0.hint ?? "") \($0.error?.hint ?? "")" }.joined()
      for lost in known.subtracting(present) where !doubtful.contains(lost) {
        Issue.record("seed \(seed): \(lost) was acknowledged and is gone")
      }
      for extra in present.subtracting(known) where !spoken.contains(extra) && !doubtful.contains(extra) {
        Issue.record("seed \(seed): \(extra) is there, nobody was told of it and nothing reports it")
      }
      #expect(try await host.journal.unfinished().isEmpty, "seed \(seed)")
      #expect(await host.lockList().isEmpty, "seed \(seed)")
    }
  }
}
