// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import Testing

/// The table as a whole: what the design demands of it.
@Suite struct MethodTableTests {
  /// Every method of today's plugin API, as Proxmox VE names it (APIVER 15).
  static let pluginAPI = """
    api type plugindata properties options private check_config get_formats on_add_hook on_update_hook
    on_update_hook_full on_delete_hook check_connection activate_storage deactivate_storage status cluster_lock_storage
    parse_volname get_subdir filesystem_path path find_free_diskname get_identity list_images create_base clone_image
    alloc_image free_image list_volumes get_volume_attribute update_volume_attribute volume_size_info volume_resize
    volume_snapshot volume_snapshot_info volume_rollback_is_possible volume_snapshot_rollback volume_snapshot_delete
    volume_snapshot_needs_fsfreeze storage_can_replicate volume_has_feature map_volume unmap_volume activate_volume
    deactivate_volume rename_volume rename_snapshot volume_qemu_snapshot_method qemu_blockdev_options prune_backups
    get_import_metadata new_backup_provider volume_export volume_export_formats volume_import volume_import_formats
    """.split(whereSeparator: \.isWhitespace).map(String.init)

  @Test func holdsEveryMethodOfThePluginAPI() {
    #expect(Self.pluginAPI.count == 56)
    for name in Self.pluginAPI {
      #expect(MethodTable[name]?.annotations.pveMethod == name, "\(name)")
    }
  }

  @Test func mutatingCallsHaveALock() {
    for method in MethodTable.implementable where method.annotations.mutating {
      #expect(method.annotations.lock != .none, "\(method.name)")
      #expect(method.annotations.errors.contains(.staleFence), "\(method.name)")
      #expect(method.annotations.errors.contains(.idempotencyConflict), "\(method.name)")
    }
  }

  @Test func aMinimalPluginHasSixMethods() {
    #expect(
      Set(MethodTable.required.map(\.name)) == [
        "activate_storage", "status", "list_images", "alloc_image", "free_image", "volume_size_info",
      ])
  }

  @Test func everyOtherMethodSaysWhatHappensWithoutIt() {
    for method in MethodTable.implementable where !method.annotations.required {
      #expect(method.annotations.hostDefault != nil, "\(method.name)")
    }
  }

  @Test func hostServicesNameTheirParent() {
    for method in MethodTable.hostServices where method.kind == .request {
      #expect(throws: JSONError.self) { try method.normalizedParams([:]) }
      #expect(method.annotations.errors.contains(.hostDenied), "\(method.name)")
    }
  }

  @Test func sensitiveMembersAreNamedByTheirPlace() {
    #expect(HostSecretGet.annotations.sensitive == ["result/value"])
    #expect(OnAddHook.annotations.sensitive.contains("result/secrets"))
  }

  @Test func longWorkIsNeverUnderTheStorageLockUnlessItIsPruning() {
    for method in MethodTable.implementable where method.annotations.longRunning && method.name != "prune_backups" {
      #expect(method.annotations.lock != .storage, "\(method.name)")
    }
  }
}
