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
      manifest: plugin.manifest)
  }
}
