// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import ManagementTypes
internal import StorageHost

extension StorageView {
  init(_ storage: StorageSummary) {
    self.init(
      storeid: storage.storeid, type: storage.type, plugin: storage.plugin, content: storage.content,
      shared: storage.isShared, enabled: storage.isEnabled, problem: storage.problem, properties: storage.properties,
      secrets: storage.secrets, digest: storage.digest)
  }
}

extension StatusView {
  init(_ status: StorageStatus) {
    self.init(
      storeid: status.storeid, type: status.type, enabled: status.isEnabled, active: status.isActive,
      sampling: status.isSampling, total: status.total, used: status.used, available: status.available,
      ageMs: status.ageMs, process: status.process, error: status.error.map { Problem($0) })
  }
}
