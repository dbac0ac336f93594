// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import PluginSandbox
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import PluginSupervisor

/// Whoever calls a plugin that goes beyond one of its limits is told which one, under the real sandbox.
@Suite(.serialized, .requires(.root), .timeLimit(.minutes(3))) struct LimitReportTests {
  /// Limits that a greedy plugin meets one at a time, whichever it is after.
  private static func narrow(_ limits: inout ResourceLimits, to limit: LimitHit) {
    switch limit {
    case .memory: limits.memory = 64 << 20
    case .processes: limits.processes = 20
    case .fileSize: limits.fileSize = 1 << 20
    case .cpu: limits.cpuPercent = 10
    case .descriptors: limits.descriptors = 32
    case .temporarySpace: limits.temporarySpace = 4 << 20
    case .stateSpace: limits.stateSpace = StateImage.smallest
    }
  }

  /// What ends by itself at its limit is a crash; what only hangs there is noticed when a call's time is over.
  @Test(arguments: [
    LimitHit.memory, .processes, .fileSize, .temporarySpace, .cpu, .descriptors,
  ])
  func theCallerIsToldWhichLimit(_ limit: LimitHit) async throws { try await check(limit) }

  @Test(.enabled(if: StateImage.isAvailable(), "needs loop devices and mkfs.ext4"))
  func theCallerIsToldOfAFullState() async throws { try await check(.stateSpace) }

  private func check(_ limit: LimitHit) async throws {
    let stage = try Stage()
    let uid = Stage.nextUID.wrappingAdd(1, ordering: .relaxed).newValue
    let image = "\(stage.directory)/state.img"
    if limit == .stateSpace { try StateImage.prepare(image, size: StateImage.smallest, owner: uid) }
    let instance = try stage.instance(
      of: try stage.bundle("greedy"), uid: uid,
      planning: { plan in
        Self.narrow(&plan.limits, to: limit)
        if limit == .stateSpace { plan.stateImage = image }
      })
    // Whoever stays within its limits has run into none.
    #expect(try await instance.call("list_images", Stage.scfg)["total"] == 1000)
    let hangs = [LimitHit.cpu, .descriptors].contains(limit)
    let error = await failure { () throws(StorageError) in
      let options = CallOptions(timeout: .seconds(hangs ? 5 : 60))
      return try await instance.call("alloc_image", Stage.scfg(limit.rawValue), options: options)
    }
    #expect(error?.code == (hangs ? .deadlineExceeded : .pluginCrashed), "\(String(describing: error))")
    #expect(error?.details["limit"] == .string(limit.rawValue), "\(String(describing: error))")
    #expect(
      error?.message.contains("ran into its \(limit.rawValue) limit") == true, "\(String(describing: error))")
    #expect(await instance.status.lastEnd?.contains("ran into its \(limit.rawValue) limit") == true)
    try await stage.finish(instance)
  }
}
