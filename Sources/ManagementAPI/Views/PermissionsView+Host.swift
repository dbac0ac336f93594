// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes
internal import StorageHost

extension PermissionsView {
  init(_ permissions: StoragePermissions) {
    self.init(
      storeid: permissions.storeid, type: permissions.type, plugin: permissions.plugin, digest: permissions.digest,
      agreedDigest: permissions.agreedDigest, state: permissions.state.rawValue,
      items: permissions.items.map { item in
        Item(
          permission: item.permission, resolved: item.resolved, granted: item.granted, reason: item.reason,
          optional: item.isOptional, new: item.isNew, warning: item.warning)
      }, added: permissions.added, removed: permissions.removed, missing: permissions.missing)
  }
}
