// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PluginSandbox

/// The score is what was observed, point by point.
@Suite(.timeLimit(.minutes(2)))
struct SecurityScoreTests {
  static func plan(_ change: (inout LaunchPlan) -> Void = { _ in }) -> LaunchPlan {
    var plan = LaunchPlan(instance: "s", mode: .privileged, bundle: "/b", executable: "x", uid: 600_000)
    change(&plan)
    return plan
  }

  static func score(
    _ layers: SandboxLayers = .privileged, refuted: [(layer: SandboxLayers, seen: String)] = [], abi: Int32 = 6,
    _ plan: LaunchPlan = plan(), differences: [String] = []
  ) -> SecurityScore {
    SecurityScore(layers: layers, refuted: refuted, landlockABI: abi, plan: plan, differences: differences)
  }

  @Test func everyLayerAndNoGrantIsAHundred() {
    #expect(Self.score().points == 100 && Self.score().deductions.isEmpty)
  }

  @Test(arguments: SandboxLayers.names.filter { SandboxLayers.privileged.contains($0.0) }.map(\.1))
  func everyMissingLayerCostsAndIsNamed(_ name: String) throws {
    let layer = try #require(SandboxLayers.names.first { $0.1 == name }?.0)
    let score = Self.score(SandboxLayers.privileged.subtracting(layer))
    #expect(score.points < 100)
    #expect(score.deductions.map(\.reason) == ["layer missing: \(name)"])
    // What was seen counts, not what was said: the layer is claimed and yet lost, once.
    let lie = Self.score(refuted: [(layer, "not there")])
    #expect(lie.points == score.points && lie.deductions.map(\.reason) == ["layer not in force: \(name): not there"])
  }

  @Test func everyDangerousGrantCostsAndIsNamed() {
    let cases: [(Int, String, (inout LaunchPlan) -> Void)] = [
      (25, "host's network", { $0.permissions.network = .host }),
      (2, "1 network endpoints", { $0.permissions.network = .endpoints([NetworkEndpoint(host: "a", port: "1")]) }),
      (8, "loop", { $0.permissions.devices = [DevicePermission(deviceClass: "loop", access: .readWrite)] }),
      (4, "loop", { $0.permissions.devices = [DevicePermission(deviceClass: "loop", access: .readOnly)] }),
      (2, "host.mount", { $0.permissions.broker = [BrokerPermission("host.mount", limits: [:])] }),
      (1, "/proc", { $0.permissions.runtime.procSelf = true }), (50, "learning", { $0.learning = true }),
    ]
    for (points, text, change) in cases {
      let score = Self.score(.privileged, Self.plan(change))
      #expect(score.points == 100 - points && score.deductions.count == 1, "\(score)")
      #expect(score.deductions.first?.reason.contains(text) == true, "\(score)")
    }
  }

  @Test func nothingGoesBelowZeroAndEveryPointHasItsReason() {
    let score = Self.score([], abi: 0, differences: ["one", "two"])
    #expect(score.points == 0)
    #expect(score.deductions.reduce(0) { $0 + $1.points } >= 100)
    #expect(score.deductions.contains { $0.reason == "one" })
  }

  /// A process that claims every layer and runs with none of them.
  @Test(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"))
  func aRealSandboxIsSeenAsItIs() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    try await process.attest()
    #expect(ObservedLayers(of: process).refuted.isEmpty, "\(ObservedLayers(of: process).refuted)")
    let lost = process.score().deductions.map(\.reason)
    let missing = SandboxLayers.privileged.subtracting(process.layers).labels
    #expect(lost.filter { $0.hasPrefix("layer missing") }.count == missing.count, "\(lost)")
    #expect(!lost.contains { $0.hasPrefix("layer not in force") }, "\(lost)")
    try await process.kill()
    process.close()
  }

  /// The same look at a process that is confined by nothing, while its plan and its launcher claim everything.
  @Test(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"))
  func whatIsClaimedAndNotThereIsRefuted() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    var plan = fixture.plan("run.sh")
    plan.permissions.network = .host
    let process = try await fixture.launcher.launch(plan)
    // As if nobody had granted the host's network: the namespace that is claimed is the host's.
    plan.permissions.network = .none
    plan.instance = process.instance
    let refuted = ObservedLayers(of: process, plan: plan).refuted
    #expect(refuted.map(\.layer) == [.networkNamespace], "\(refuted)")
    plan.uid += 1
    plan.instance = "another"
    let more = ObservedLayers(of: process, plan: plan).refuted.reduce(into: SandboxLayers()) { $0.insert($1.layer) }
    #expect(more.isSuperset(of: [.networkNamespace, .ownUID, .cgroup]), "\(more)")
    try await process.kill()
    process.close()
  }
}
