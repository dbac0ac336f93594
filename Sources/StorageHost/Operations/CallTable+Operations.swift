// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

extension CallTable {
  /// Methods that are operations of the host; arguments as in the protocol, names only as a wish.
  static let operations: [String: Route] = [
    "activate_storage": .operation { (host, storeid, _, caller) async throws(StorageError) in
      try await host.activate(storeid, caller)
      return [:]
    },
    "deactivate_storage": .operation { (host, storeid, _, caller) async throws(StorageError) in
      try await host.deactivate(storeid, caller)
      return [:]
    },
    "alloc_image": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      let volid = try await host.alloc(
        storeid, vmid: Int(try arguments.integer("vmid")), name: arguments["volname"]?.stringValue,
        format: arguments["format"]?.stringValue, size: try arguments.integer("size"), caller)
      return named(volid, storeid)
    },
    "free_image": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      try await host.free(storeid, try arguments.text("volname"), caller)
      return [:]
    },
    "clone_image": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      let volid = try await host.clone(
        storeid, try arguments.text("volname"), snapname: arguments["snapname"]?.stringValue,
        vmid: Int(try arguments.integer("vmid")), caller)
      return named(volid, storeid)
    },
    "create_base": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      named(try await host.createBase(storeid, try arguments.text("volname"), caller), storeid)
    },
    "rename_volume": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      let volid = try await host.rename(
        storeid, try arguments.text("volname"), vmid: arguments["targetVmid"]?.intValue.map(Int.init),
        name: arguments["targetVolname"]?.stringValue, caller)
      return named(volid, storeid)
    },
    "volume_resize": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      let size = try await host.resize(
        storeid, try arguments.text("volname"), size: try arguments.integer("size"),
        isRunning: arguments["running"]?.boolValue ?? false, caller)
      return ["size": .int(size)]
    },
    "update_volume_attribute": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      try await host.setAttribute(
        storeid, try arguments.text("volname"), try arguments.text("attribute"), arguments["value"] ?? .null, caller)
      return [:]
    },
    "update_volume_notes": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      try await host.setAttribute(
        storeid, try arguments.text("volname"), "notes", .string(try arguments.text("notes")), caller)
      return [:]
    },
    "volume_snapshot": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      try await host.snapshot(
        storeid, try arguments.text("volname"), try arguments.text("snapname"),
        isRunning: arguments["running"]?.boolValue ?? false, caller)
      return [:]
    },
    "volume_snapshot_rollback": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      try await host.rollback(storeid, try arguments.text("volname"), try arguments.text("snapname"), caller)
      return [:]
    },
    "volume_snapshot_delete": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      try await host.deleteSnapshot(
        storeid, try arguments.text("volname"), try arguments.text("snapname"),
        isRunning: arguments["running"]?.boolValue ?? false, caller)
      return [:]
    },
    "rename_snapshot": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      try await host.renameSnapshot(
        storeid, try arguments.text("volname"), try arguments.text("snapname"),
        to: try arguments.text("targetSnapname"), caller)
      return [:]
    },
    "prune_backups": .operation { (host, storeid, arguments, caller) async throws(StorageError) in
      let keep = (arguments["keep"]?.objectValue ?? [:]).map { member in
        "keep-\(member.key)=\(member.value.intValue ?? (member.value.boolValue == true ? 1 : 0))"
      }.joined(separator: ",")
      let backups = try await host.prune(
        storeid, keep: keep.isEmpty ? nil : keep, vmid: arguments["vmid"]?.intValue.map(Int.init),
        type: arguments["type"]?.stringValue, isDryRun: arguments["dryRun"]?.boolValue ?? true, caller)
      return ["backups": backups.json()]
    },
  ]

  private static func named(_ volid: String, _ storeid: String) -> JSONObject {
    ["volname": .string(String(volid.dropFirst(storeid.count + 1)))]
  }
}

extension JSONObject {
  /// A required integer argument.
  func integer(_ key: String) throws(StorageError) -> Int64 {
    guard let value = self[key]?.intValue else {
      throw .refused(.invalidParams, "'\(key)' is missing or no integer", hint: "give it as an integer", field: key)
    }
    return value
  }
}

extension InputChecks {
  /// Names among the arguments of any method.
  static func arguments(_ arguments: JSONObject) throws(StorageError) {
    for key in ["volname", "targetVolname"] {
      if let name = arguments[key]?.stringValue, !(key == "volname" && !name.contains("/") && name.isEmpty) {
        try volname(name)
      }
    }
    for key in ["snapname", "baseSnapshot", "targetSnapname"] {
      if let name = arguments[key]?.stringValue { try snapname(name) }
    }
    if let number = arguments["vmid"]?.intValue { try vmid(Int(clamping: number)) }
  }
}
