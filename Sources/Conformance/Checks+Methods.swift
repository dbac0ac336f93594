// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// Checks made from the method table: the same questions to every method a plugin declares.
extension Check {
  /// Names no storage may take for a volume's.
  static let hostileNames = [
    "..", "../x", "/etc/passwd", "9001/../../etc/passwd", "9001//x.raw", "9001/x.raw/", "9001/\u{1}x.raw",
    "9001/" + String(repeating: "x", count: 900) + ".raw", String(repeating: "y", count: 4096), "",
  ]

  static func methods(_ manifest: PluginManifest) -> [Check] {
    MethodTable.implementable.filter { manifest.implements($0.name) }.flatMap { method in
      var checks = [known(method), junk(method)]
      if takesVolume(method.name) {
        checks.append(hostile(method))
        if absentVolumeMatters(method.name) { checks.append(absent(method)) }
      }
      if method.annotations.mutating, manifest.fencing != .none { checks.append(stale(method)) }
      return checks
    }
  }

  /// Whether the method works on a volume named by `volname`.
  private static func takesVolume(_ name: String) -> Bool {
    let others: Set<String> = [
      "check_config", "get_formats", "on_add_hook", "on_update_hook", "on_update_hook_full", "on_delete_hook",
      "check_connection", "activate_storage", "deactivate_storage", "status", "get_subdir", "find_free_diskname",
      "get_identity", "list_images", "list_volumes", "run_cleanup", "volume_snapshot_needs_fsfreeze",
      "storage_can_replicate", "prune_backups",
    ]
    return !others.contains(name)
  }

  /// Methods that only look at a name, or make or remove the volume, have no use for VOLUME_NOT_FOUND.
  private static func absentVolumeMatters(_ name: String) -> Bool {
    let nameOnly: Set<String> = [
      "parse_volname", "filesystem_path", "path", "volume_has_feature", "volume_qemu_snapshot_method", "unmap_volume",
      "deactivate_volume", "alloc_image", "volume_import", "volume_import_formats", "get_import_metadata",
    ]
    return !nameOnly.contains(name)
  }

  private static func known(_ method: MethodDescription) -> Check {
    Check(
      "method.\(method.name).known", "\(method.name) exists, and misses its arguments", clause: "Methods", level: .core
    ) { (bench) throws(CheckStop) in
      let session = try bench.session()
      let id = try session.start(method.name, ["context": ["timeoutMs": 60_000]])
      guard case .error(let fault) = try session.answer(id) else { return }
      try require(fault.code != .methodNotFound, "the manifest declares it, the plugin does not know it")
      try require(fault.code != .internalError, "without arguments it fails inside the plugin: \(fault)")
      try require(fault.outcome == "not_started", "without arguments its outcome is \(fault.outcome)")
    }
  }

  private static func junk(_ method: MethodDescription) -> Check {
    Check(
      "method.\(method.name).junk", "\(method.name) refuses arguments of wrong types before anything is done",
      clause: "Methods", level: .core
    ) { (bench) throws(CheckStop) in
      let before = try bench.imageNames()
      let names = [
        "volname", "vmid", "format", "size", "snapname", "targetVolname", "targetVmid", "targetSnapname", "stream",
        "token", "attribute", "vtype", "running", "keep", "dryRun", "feature",
      ]
      for value: JSON in [nil, 7, true, [], [:], "\u{202e}x y"] {
        var params: JSONObject = [:]
        for name in names { params[name] = value }
        let id = try bench.start(method.name, params)
        guard case .error(let fault) = try bench.session().answer(id) else { continue }
        try require(fault.code != .internalError, "\(value.text()) makes it fail inside the plugin: \(fault)")
        try require(fault.outcome == "not_started", "\(value.text()) gives outcome \(fault.outcome): \(fault)")
      }
      try require(try bench.imageNames() == before, "the storage holds other volumes than before")
    }
  }

  /// Arguments that fit the method but for the volume.
  static func arguments(_ method: String, volume: String, bench: Bench) -> JSONObject {
    let format = bench.type.defaultFormat
    var all: JSONObject = [
      "volname": .string(volume), "vmid": .int(Bench.vmid), "format": .string(format), "size": .int(16 << 20),
      "snapname": "snap1", "running": false, "attribute": "notes", "value": "text", "feature": "snapshot",
      "targetVolname": .string(bench.freshName(format)), "targetVmid": .int(Bench.vmid), "targetSnapname": "snap2",
      "stream": ["id": "s", "path": "/streams/absent"],
    ]
    switch method {
    case "volume_export", "volume_import": all["format"] = format == "subvol" ? "tar+size" : "raw+size"
    case "create_base":
      all["targetVolname"] = .string(bench.freshName(format, prefix: "base"))
      all["snapname"] = nil
    case "volume_snapshot", "volume_snapshot_delete", "volume_snapshot_rollback", "volume_rollback_is_possible",
      "rename_snapshot":
      break
    default: all["snapname"] = nil
    }
    if method == "volume_export" || method == "volume_import" { all["snapname"] = nil }
    return all
  }

  private static func hostile(_ method: MethodDescription) -> Check {
    Check(
      "method.\(method.name).hostile-names", "\(method.name) refuses names that lead out of the storage",
      clause: "Names", level: .core
    ) { (bench) throws(CheckStop) in
      for name in hostileNames {
        let id = try bench.start(method.name, arguments(method.name, volume: name, bench: bench))
        let shown = name.count > 40 ? "a name of \(name.utf8.count) bytes" : "'\(name)'"
        guard case .error(let fault) = try bench.session().answer(id) else {
          throw .failed("\(shown) was accepted")
        }
        let good = [.nameInvalid, .invalidParams, .volumeNotFound, .notSupported].contains(fault.code)
        try require(good, "\(shown) gives \(fault)")
        try require(fault.outcome == "not_started", "\(shown) gives outcome \(fault.outcome)")
      }
    }
  }

  private static func absent(_ method: MethodDescription) -> Check {
    Check(
      "method.\(method.name).absent-volume",
      method.name == "free_image"
        ? "Freeing what does not exist succeeds" : "\(method.name) says that a volume does not exist",
      clause: "Errors", level: .core
    ) { (bench) throws(CheckStop) in
      let format = bench.manifest.implements("volume_snapshot") ? snapshotFormat(bench) : bench.type.defaultFormat
      var params = arguments(method.name, volume: bench.freshName(format), bench: bench)
      if method.name == "create_base" { params["targetVolname"] = .string(bench.freshName(format, prefix: "base")) }
      if method.name == "rename_volume" { params["targetVolname"] = .string(bench.freshName(format)) }
      if method.name == "free_image" {
        try bench.result(method.name, params)
        return
      }
      let id = try bench.start(method.name, params)
      guard case .error(let fault) = try bench.finish(method.name, id) else { throw .failed("it succeeded") }
      try require(
        fault.code == .volumeNotFound || fault.code == .notSupported, "it said \(fault); due was VOLUME_NOT_FOUND")
      try require(fault.outcome == "not_started", "the outcome is \(fault.outcome)")
    }
  }

  /// The format whose volumes can have snapshots, by the feature table.
  static func snapshotFormat(_ bench: Bench) -> String {
    let able = bench.type.formats.filter { bench.type.hasFeature("snapshot", state: "current", format: $0) }
    return able.contains(bench.type.defaultFormat) ? bench.type.defaultFormat : able.first ?? bench.type.defaultFormat
  }

  private static func stale(_ method: MethodDescription) -> Check {
    Check(
      "method.\(method.name).stale-token", "\(method.name) refuses the token of a lease that has passed on",
      clause: "Locks and fencing", level: .robust
    ) { (bench) throws(CheckStop) in
      let lock: JSONObject = [
        "name": .string("volume/\(bench.storeid)/\(method.name)"), "scope": "volume", "ttlMs": 60_000,
      ]
      var high = lock
      var low = lock
      high["token"] = 1000
      low["token"] = 999
      try bench.result(
        "free_image", ["volname": .string(bench.freshName(bench.type.defaultFormat))], context: ["lock": .object(high)])
      let volume = bench.freshName(bench.type.defaultFormat)
      let params = arguments(method.name, volume: volume, bench: bench)
      let id = try bench.start(method.name, params, context: ["lock": .object(low)])
      guard case .error(let fault) = try bench.session().answer(id), fault.code == .staleFence else {
        throw .failed("a token below one seen for the same lock was not refused with STALE_FENCE")
      }
      try require(fault.outcome == "not_started", "the outcome is \(fault.outcome)")
      try require(fault.data["seen"]?.intValue == 1000, "data.seen is not the highest token seen")
    }
  }
}
