// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// How each plugin-side method of the protocol is reached through the host; complete by a test.
enum CallTable {
  typealias Operation = @Sendable (StorageHost, String, JSONObject, Caller) async throws(StorageError) -> JSONObject
  typealias Definition = @Sendable (StorageHost, String) async throws(StorageError) -> JSONObject

  enum Route: Sendable {
    /// Answered from manifests, without a storage.
    case definition(Definition)
    /// One of the host's own operations gives it its meaning.
    case operation(Operation)
    /// Changes nothing: goes to the plugin, or to the host's default for it.
    case question
    /// Changes this node's view of a volume only.
    case nodeLocal
    /// Cannot be called from outside.
    case refused(StorageError.Code, String)
  }

  static let routes: [String: Route] = definitions.merging(operations) { $1 }.merging(others) { $1 }

  private static let others: [String: Route] = [
    "check_config": .question, "get_formats": .question, "check_connection": .question, "status": .question,
    "parse_volname": .question, "get_subdir": .question, "filesystem_path": .question, "path": .question,
    "find_free_diskname": .question, "get_identity": .question, "list_images": .question, "list_volumes": .question,
    "get_volume_attribute": .question, "get_volume_notes": .question, "volume_size_info": .question,
    "volume_snapshot_info": .question, "volume_rollback_is_possible": .question,
    "volume_snapshot_needs_fsfreeze": .question, "volume_qemu_snapshot_method": .question,
    "storage_can_replicate": .question, "volume_has_feature": .question, "qemu_blockdev_options": .question,
    "get_import_metadata": .question, "volume_export_formats": .question, "volume_import_formats": .question,
    "map_volume": .nodeLocal, "unmap_volume": .nodeLocal, "activate_volume": .nodeLocal,
    "deactivate_volume": .nodeLocal,
    "on_add_hook": .refused(.notSupported, "hooks run when a storage is added"),
    "on_update_hook": .refused(.notSupported, "hooks run when a storage is changed"),
    "on_update_hook_full": .refused(.notSupported, "hooks run when a storage is changed"),
    "on_delete_hook": .refused(.notSupported, "hooks run when a storage is removed"),
    "run_cleanup": .refused(.notSupported, "the host runs it by itself after free_image"),
    "volume_export": .refused(.notSupported, "its data needs a stream: use the export operation"),
    "volume_import": .refused(.notSupported, "its data needs a stream: use the import operation"),
    "new_backup_provider": .refused(.notSupported, "backup providers are a later profile"),
    "cluster_lock_storage": .refused(.notSupported, "the host holds the locks; see the lock list"),
  ]
}
