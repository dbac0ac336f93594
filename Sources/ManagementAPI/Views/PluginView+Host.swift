// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes
internal import StorageHost

extension PluginView {
  init(_ plugin: PluginSummary) {
    self.init(
      id: plugin.id, version: plugin.version, vendor: plugin.vendor, path: plugin.path, types: plugin.types,
      sha256: plugin.sha256, digest: plugin.digest, problem: plugin.problem, refusedUpdate: plugin.refusedUpdate,
      permissions: plugin.permissions,
      asks: plugin.asks.map { ask in
        Ask(permission: ask.permission, reason: ask.reason, optional: ask.isOptional, warning: ask.warning)
      },
      manifest: plugin.manifest)
  }
}
