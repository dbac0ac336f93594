// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes
internal import StorageHost

extension PluginChangeView {
  init(_ change: PluginChange) {
    self.init(
      change: change.kind.rawValue, plugin: change.plugin, version: change.version,
      earlierVersion: change.earlierVersion, path: change.path, digest: change.digest, problem: change.problem,
      hint: change.hint,
      storages: change.storages.map { effect in
        Effect(storeid: effect.storeid, state: effect.state.rawValue, message: effect.message, hint: effect.hint)
      })
  }
}
