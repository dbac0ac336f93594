// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

extension HostDefaults {
  /// Questions about volumes and what attaches them to a node.
  static let volumes: [String: Default] = [
    "list_volumes": { (storage, arguments, run) async throws(StorageError) in
      try await listVolumes(storage, arguments, run)
    },
    "get_volume_attribute": { (storage, arguments, run) async throws(StorageError) in
      try await getAttribute(storage, arguments, run)
    },
    "update_volume_attribute": { (storage, arguments, run) async throws(StorageError) in
      try await setAttribute(storage, arguments, run)
    },
    "get_volume_notes": { (storage, arguments, run) async throws(StorageError) in
      var forwarded = arguments
      forwarded["attribute"] = "notes"
      let value = try await storage.call("get_volume_attribute", forwarded, run)["value"]
      return ["notes": .string(value?.stringValue ?? "")]
    },
    "update_volume_notes": { (storage, arguments, run) async throws(StorageError) in
      var forwarded = arguments
      forwarded["attribute"] = "notes"
      forwarded["value"] = arguments["notes"]
      forwarded["notes"] = nil
      return try await storage.call("update_volume_attribute", forwarded, run)
    },
    "volume_rollback_is_possible": nothing,
    "volume_snapshot_needs_fsfreeze": constant(["needed": false]),
    "storage_can_replicate": constant(["supported": false]),
    "volume_qemu_snapshot_method": { (storage, arguments, run) async throws(StorageError) in
      let parsed = try await storage.parse(try arguments.text("volname"), run)
      return ["method": parsed.format == "qcow2" ? "qemu" : "storage"]
    },
    "volume_has_feature": { (storage, arguments, run) async throws(StorageError) in
      try await hasFeature(storage, arguments, run)
    },
    "map_volume": { (storage, arguments, run) async throws(StorageError) in
      var question = arguments
      question["hints"] = nil
      return ["path": try await storage.call("path", question, run)["path"] ?? .null]
    },
    "unmap_volume": nothing,
    "activate_volume": { (storage, arguments, run) async throws(StorageError) in
      let volname = try arguments.text("volname")
      guard try await storage.sizeInfo(volname, run) != nil else { throw .noVolume(volname, storage) }
      return [:]
    },
    "deactivate_volume": nothing,
    "qemu_blockdev_options": { (storage, arguments, run) async throws(StorageError) in
      try await blockdev(storage, arguments, run)
    },
  ]

  /// The manifest's feature table: by feature, then by whether it is a base, a snapshot or the current state.
  private static func hasFeature(
    _ storage: Storage, _ arguments: JSONObject, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    let feature = try arguments.text("feature")
    let parsed = try await storage.parse(try arguments.text("volname"), run)
    let state = arguments["snapname"]?.stringValue != nil ? "snap" : parsed.isBase ? "base" : "current"
    let formats = storage.facts.features[feature]?[state] ?? []
    let isListed = formats.contains("*") || parsed.format.map(formats.contains) == true
    return ["supported": .bool(isListed)]
  }

  /// A QEMU block device for the volume's path.
  private static func blockdev(
    _ storage: Storage, _ arguments: JSONObject, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    var question = arguments
    question["hints"] = nil
    question["machineVersion"] = nil
    let path = try await storage.call("path", question, run)["path"]?.stringValue ?? ""
    if path.hasPrefix("/dev/") { return ["blockdev": ["driver": "host_device", "filename": .string(path)]] }
    if path.hasPrefix("/") { return ["blockdev": ["driver": "file", "filename": .string(path)]] }
    throw .refused(
      .notSupported, "storage '\(storage.id)': \(Quoted(path)) cannot be turned into QEMU options by the host",
      hint: "the plugin must implement qemu_blockdev_options for such addresses")
  }
}
