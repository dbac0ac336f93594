// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes
internal import StorageHost

extension ProcessView {
  init(_ process: ProcessSummary) {
    self.init(
      storeid: process.storeid, version: process.version, state: process.state, pid: process.pid.map(Int.init),
      uid: process.uid.map(Int.init), crashes: process.crashes, lastEnd: process.lastEnd,
      holdBack: process.holdBack, layers: process.layers,
      score: process.score,
      deductions: process.deductions.map { Deduction(points: $0.points, reason: $0.reason) },
      faults: Faults(
        lateAnswers: process.faults.lateAnswers, unknownAnswers: process.faults.unknownAnswers,
        duplicateAnswers: process.faults.duplicateAnswers, strayLines: process.faults.strayLines))
  }
}
