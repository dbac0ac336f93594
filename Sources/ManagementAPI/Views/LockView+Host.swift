// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes
internal import StorageHost

extension LockView {
  init(_ lock: LockSummary) {
    self.init(
      name: lock.name, holder: lock.holder.map { "\($0.owner): \($0.operation)" } ?? "-",
      token: lock.holder?.token.map { Int64(clamping: $0) } ?? 0,
      heldMs: lock.holder?.heldMs ?? 0, remainingMs: lock.holder?.remainingMs,
      waiters: lock.waiters.map { "\($0.owner): \($0.operation)" })
  }
}

extension ReconcileItem {
  init(_ item: ReconcileReport.Item) {
    self.init(
      operation: item.operation, method: item.method, storeid: item.storeid, verdict: item.verdict.rawValue,
      message: item.message, hint: item.hint)
  }
}
