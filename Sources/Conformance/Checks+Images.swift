// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

extension Check {
  /// Making, listing, resizing and removing volumes.
  static func images(_ type: StorageTypeManifest) -> [Check] {
    type.formats.map { format in
      Check(
        "images.life.\(format)", "A \(format) volume is made, listed, described and removed", clause: "Methods",
        level: .images
      ) { (bench) throws(CheckStop) in
        let name = try bench.alloc(format)
        guard let entry = try bench.images().first(where: { $0["volname"]?.stringValue == name }) else {
          throw .failed("\(name) was made but is not listed")
        }
        try require(entry["format"]?.stringValue == format, "it is listed as \(entry["format"]?.text() ?? "nothing")")
        let info = try bench.result("volume_size_info", ["volname": .string(name)])
        try require((info["size"]?.intValue ?? -1) >= bench.size(format), "it is smaller than asked for")
        try require(info["format"]?.stringValue == format, "volume_size_info says another format")
        let again = try bench.fault("alloc_image", bench.allocation(name, format), .volumeExists)
        try require(again.outcome == "not_started", "VOLUME_EXISTS came with outcome \(again.outcome)")
        try remove(name, bench)
        try remove(name, bench)
        try require(try !bench.exists(name), "\(name) exists after free_image")
        try require(try !bench.imageNames().contains(name), "\(name) is listed after free_image")
      }
    } + imageChecks
  }

  private static func remove(_ name: String, _ bench: Bench) throws(CheckStop) {
    let left = try bench.result("free_image", ["volname": .string(name)])
    if let token = left["cleanup"]?["token"] {
      try bench.need("run_cleanup")
      try bench.result("run_cleanup", ["token": token])
      try bench.result("run_cleanup", ["token": token])
    }
  }

  private static let imageChecks: [Check] = [
    Check(
      "images.status", "status is plausible and follows the storage", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      let status = try bench.result("status")
      let (total, used) = (status["total"]?.intValue ?? -1, status["used"]?.intValue ?? -1)
      let available = status["available"]?.intValue ?? -1
      try require(status["active"] == true, "an activated storage is not active")
      try require(total > 0 && used >= 0 && available >= 0, "a figure is negative or the total is 0")
      try require(used <= total && available <= total, "used or available is more than the total")
    },
    Check(
      "images.sizes", "Sizes that make no volume are refused, and nothing is left", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      let format = bench.type.formats.first { $0 != "subvol" } ?? bench.type.defaultFormat
      if format == "subvol" { throw .skipped("the storage has no format with a size") }
      for size in [0, -1, Int64.min, Int64.max] {
        let name = bench.freshName(format)
        let fault = try bench.fault("alloc_image", bench.allocation(name, format, size: size))
        try require(
          [.invalidParams, .noSpace, .notSupported, .quotaExceeded].contains(fault.code), "size \(size) gives \(fault)")
        try bench.requireTruth(fault, about: name, after: "alloc_image of \(size) bytes")
      }
    },
    Check(
      "images.formats", "A format the storage does not have is refused", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      let name = bench.freshName(bench.type.defaultFormat)
      var params = bench.allocation(name, bench.type.defaultFormat)
      params["format"] = "floppy"
      let fault = try bench.fault("alloc_image", params, .formatUnsupported, .nameInvalid, .invalidParams)
      try bench.requireTruth(fault, about: name, after: "alloc_image of an unknown format")
    },
    Check(
      "images.pages", "A listing in pages holds every volume once", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      var made: Set<String> = []
      for _ in 0..<5 { made.insert(try bench.alloc()) }
      for limit: Int64 in [1, 2, 5, 100] {
        let page = try bench.result("list_images", ["limit": .int(limit)])
        try require((page["volumes"]?.arrayValue?.count ?? 0) <= limit, "a page has more entries than asked for")
        let listed = try bench.imageNames(["limit": .int(limit)])
        try require(listed.count == made.count && Set(listed) == made, "pages of \(limit) hold \(listed)")
      }
      let fault = try bench.answer("list_images", ["cursor": "\u{7e}nonsense"])
      if case .error(let fault) = fault {
        try require(fault.code == .cursorInvalid, "a strange cursor gives \(fault)")
      }
    },
    Check(
      "images.filters", "list_images by owner and by names gives exactly those", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      let mine = try bench.alloc()
      let other = bench.freshName(bench.type.defaultFormat, vmid: 9002)
      var params = bench.allocation(other, bench.type.defaultFormat)
      params["vmid"] = 9002
      try bench.result("alloc_image", params)
      try require(try bench.imageNames(["vmid": 9002]) == [other], "vmid is not a filter")
      try require(try bench.imageNames(["vmid": 9003]).isEmpty, "a guest without volumes has some")
      try require(try bench.imageNames(["volnames": [.string(mine)]]) == [mine], "volnames is not a filter")
      try require(try bench.imageNames(["volnames": []]).isEmpty, "an empty list of names gives volumes")
    },
    Check(
      "images.path", "The path of a volume lies in the storage", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      try bench.need("path")
      let name = try bench.alloc()
      let path = try bench.result("path", ["volname": .string(name)])["path"]?.stringValue ?? ""
      try require(!path.isEmpty, "the path is empty")
      if bench.scfg.has("path") {
        try require(path.hasPrefix(bench.root + "/"), "\(path) lies outside the storage's directory")
      }
    },
    Check(
      "images.free-name", "find_free_diskname gives a name that nothing has", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      try bench.need("find_free_diskname")
      var taken: [JSON] = []
      for _ in 0..<3 {
        let answer = try bench.result(
          "find_free_diskname",
          [
            "vmid": .int(Bench.vmid), "format": .string(bench.type.defaultFormat), "addFormatSuffix": true,
            "exclude": .array(taken),
          ])
        let name = answer["volname"] ?? nil
        try require(!taken.contains(name), "\(name.text()) was excluded")
        try require(try !bench.exists(name.stringValue ?? ""), "\(name.text()) exists")
        taken.append(name)
      }
      try bench.result("alloc_image", bench.allocation(taken[0].stringValue ?? "", bench.type.defaultFormat))
    },
    Check(
      "images.resize", "A volume grows, growing twice to one size is once, and it does not shrink", clause: "Methods",
      level: .images
    ) { (bench) throws(CheckStop) in
      try bench.need("volume_resize")
      let name = try bench.alloc()
      if bench.size(bench.type.defaultFormat) == 0 { throw .skipped("the default format has no size") }
      let size = 2 * bench.target.volumeSize
      for _ in 0..<2 {
        try bench.result("volume_resize", ["volname": .string(name), "size": .int(size), "running": false])
      }
      let now = try bench.result("volume_size_info", ["volname": .string(name)])["size"]?.intValue ?? -1
      try require(now >= size, "the volume has \(now) bytes after growing to \(size)")
      let fault = try bench.fault(
        "volume_resize", ["volname": .string(name), "size": .int(1 << 20), "running": false], .notSupported,
        .invalidParams)
      try require(fault.outcome == "not_started", "shrinking gives outcome \(fault.outcome)")
      let after = try bench.result("volume_size_info", ["volname": .string(name)])["size"]?.intValue ?? -1
      try require(after == now, "the volume has \(after) bytes after a refused shrink")
    },
    Check(
      "images.attributes", "Attributes are kept, or the volume has none", clause: "Methods", level: .images
    ) { (bench) throws(CheckStop) in
      try bench.need("get_volume_attribute", "update_volume_attribute")
      let name = try bench.alloc()
      let text = "line one\nline two ü"
      let params: JSONObject = ["volname": .string(name), "attribute": "notes"]
      var change = params
      change["value"] = .string(text)
      switch try bench.answer("update_volume_attribute", change) {
      case .error(let fault): try require(fault.code == .notSupported, "notes are refused with \(fault)")
      case .result:
        let value = try bench.result("get_volume_attribute", params)["value"]
        try require(value?.stringValue == text, "the notes read back as \(value?.text() ?? "nothing")")
      }
    },
  ]

  /// Bases, clones, renaming.
  static let templates: [Check] = [
    Check(
      "template.clone", "A base keeps its data, a clone of it begins with them", clause: "Methods", level: .template
    ) { (bench) throws(CheckStop) in
      try bench.need("create_base", "clone_image")
      let (base, clone) = try baseAndClone(bench)
      let info = try bench.result("volume_size_info", ["volname": .string(clone)])
      try require((info["size"]?.intValue ?? -1) >= bench.target.volumeSize, "the clone is smaller than its base")
      try require(try bench.imageNames().contains(clone), "the clone is not listed under the name it was given")
      switch try bench.answer("free_image", ["volname": .string(base)]) {
      case .error(let fault):
        try require(fault.code == .hasDependents, "freeing a base with clones gives \(fault)")
        try require(try bench.exists(base), "the base is gone though HAS_DEPENDENTS was said")
        try bench.result("free_image", ["volname": .string(clone)])
        try bench.result("free_image", ["volname": .string(base)])
      case .result:
        try require(try bench.exists(clone), "the clone went with its base")
      }
    },
    Check(
      "template.clone-exists", "A clone never replaces a volume", clause: "Methods", level: .template
    ) { (bench) throws(CheckStop) in
      try bench.need("create_base", "clone_image")
      let (base, clone) = try baseAndClone(bench)
      try bench.fault(
        "clone_image", ["volname": .string(base), "vmid": .int(Bench.vmid), "targetVolname": .string(clone)],
        .volumeExists)
    },
    Check(
      "template.rename", "A renamed volume has the new name only", clause: "Methods", level: .template
    ) { (bench) throws(CheckStop) in
      try bench.need("rename_volume")
      let format = bench.type.defaultFormat
      let name = try bench.alloc()
      let target = bench.freshName(format, vmid: 9002)
      let params: JSONObject = [
        "volname": .string(name), "targetVmid": 9002, "targetVolname": .string(target),
      ]
      let key = bench.key()
      let first = try bench.result("rename_volume", params, context: ["idempotencyKey": .string(key)])
      try require(first["volname"]?.stringValue == target, "it is called \(first["volname"]?.text() ?? "nothing")")
      let second = try bench.result("rename_volume", params, context: ["idempotencyKey": .string(key)])
      try require(second == first, "the same key gives another result")
      try require(try !bench.exists(name), "the old name still exists")
      try require(try bench.exists(target), "the new name does not exist")
      let third = try bench.alloc()
      let back: JSONObject = ["volname": .string(third), "targetVmid": 9002, "targetVolname": .string(target)]
      try bench.fault("rename_volume", back, .volumeExists)
      try require(try bench.exists(third), "the source of a refused rename is gone")
    },
  ]

  private static func baseAndClone(_ bench: Bench) throws(CheckStop) -> (base: String, clone: String) {
    let formats = bench.type.formats.filter { bench.type.hasFeature("clone", state: "base", format: $0) }
    guard let format = formats.contains("qcow2") ? "qcow2" : formats.first(where: { $0 != "subvol" }) else {
      throw .skipped("no format can be cloned")
    }
    let name = try bench.alloc(format)
    let base = bench.freshName(format, prefix: "base")
    try bench.result("create_base", ["volname": .string(name), "targetVolname": .string(base)])
    try require(try !bench.exists(name), "the volume still has its old name after create_base")
    let plain = bench.freshName(format)
    let clone = ["directory", "zfspool", "rbd"].contains(bench.type.volumeNames) ? "\(base)/\(plain)" : plain
    try bench.result(
      "clone_image", ["volname": .string(base), "vmid": .int(Bench.vmid), "targetVolname": .string(clone)])
    return (base, clone)
  }

  static let snapshots: [Check] = [
    Check(
      "snapshot.life", "Snapshots are taken, listed oldest first, and removed", clause: "Methods", level: .snapshot
    ) { (bench) throws(CheckStop) in
      try bench.need("volume_snapshot", "volume_snapshot_info", "volume_snapshot_delete")
      let name = try bench.alloc(snapshotFormat(bench))
      for snapshot in ["first", "second"] { try take(snapshot, of: name, bench) }
      try require(try list(name, bench) == ["first", "second"], "the list is \(try list(name, bench))")
      try bench.fault("volume_snapshot", ["volname": .string(name), "snapname": "first"], .snapshotExists)
      for _ in 0..<2 {
        try bench.result(
          "volume_snapshot_delete", ["volname": .string(name), "snapname": "first", "running": false])
      }
      try require(try list(name, bench) == ["second"], "the list is \(try list(name, bench)) after a removal")
    },
    Check(
      "snapshot.rollback", "A rollback brings back what the snapshot saw", clause: "Methods", level: .snapshot
    ) { (bench) throws(CheckStop) in
      try bench.need("volume_snapshot", "volume_snapshot_rollback")
      let name = try bench.alloc(snapshotFormat(bench))
      try take("before", of: name, bench)
      let seen = try exportedDigest(name, bench)
      if bench.has("volume_resize"), bench.size(snapshotFormat(bench)) > 0 {
        try bench.result(
          "volume_resize",
          ["volname": .string(name), "size": .int(2 * bench.target.volumeSize), "running": false])
      }
      if bench.has("volume_rollback_is_possible") {
        try bench.result("volume_rollback_is_possible", ["volname": .string(name), "snapname": "before"])
      }
      try bench.result("volume_snapshot_rollback", ["volname": .string(name), "snapname": "before"])
      if let seen { try require(try exportedDigest(name, bench) == seen, "the data differ from before") }
      try bench.fault(
        "volume_snapshot_rollback", ["volname": .string(name), "snapname": "never"], .snapshotNotFound)
    },
    Check(
      "snapshot.replay", "The same key takes one snapshot, also across kill -9", clause: "Idempotency", level: .robust
    ) { (bench) throws(CheckStop) in
      try bench.need("volume_snapshot", "volume_snapshot_info")
      let name = try bench.alloc(snapshotFormat(bench))
      let params: JSONObject = ["volname": .string(name), "snapname": "once"]
      let context: JSONObject = ["idempotencyKey": .string(bench.key())]
      try bench.result("volume_snapshot", params, context: context)
      try bench.result("volume_snapshot", params, context: context)
      try bench.kill()
      try bench.result("volume_snapshot", params, context: context)
      try require(try list(name, bench) == ["once"], "the list is \(try list(name, bench))")
    },
    Check(
      "snapshot.rename", "A renamed snapshot has the new name only", clause: "Methods", level: .snapshot
    ) { (bench) throws(CheckStop) in
      try bench.need("volume_snapshot", "rename_snapshot", "volume_snapshot_info")
      let name = try bench.alloc(snapshotFormat(bench))
      try take("old", of: name, bench)
      let params: JSONObject = ["volname": .string(name), "snapname": "old", "targetSnapname": "new"]
      if case .error(let fault) = try bench.answer("rename_snapshot", params) {
        guard fault.code == .notSupported else { throw .failed("rename_snapshot was refused: \(fault)") }
        try require(try list(name, bench) == ["old"], "it is not supported, but the list is \(try list(name, bench))")
        throw .skipped("snapshots of this format and configuration have no other name")
      }
      try require(try list(name, bench) == ["new"], "the list is \(try list(name, bench))")
    },
    Check(
      "snapshot.names", "Names that are none are refused", clause: "Names", level: .snapshot
    ) { (bench) throws(CheckStop) in
      try bench.need("volume_snapshot")
      let name = try bench.alloc(snapshotFormat(bench))
      for bad: JSON in ["", "../x", "a/b", "a b", "current", .string(String(repeating: "x", count: 300)), 5] {
        let fault = try bench.fault(
          "volume_snapshot", ["volname": .string(name), "snapname": bad], .invalidParams, .nameInvalid)
        try require(fault.outcome == "not_started", "\(bad.text()) gives outcome \(fault.outcome)")
      }
    },
  ]

  private static func take(_ snapshot: String, of name: String, _ bench: Bench) throws(CheckStop) {
    try bench.result("volume_snapshot", ["volname": .string(name), "snapname": .string(snapshot)])
  }

  private static func list(_ name: String, _ bench: Bench) throws(CheckStop) -> [String] {
    let answer = try bench.result("volume_snapshot_info", ["volname": .string(name)])
    return (answer["snapshots"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }.filter { $0 != "current" }
  }

  /// The digest of a volume's bytes, when it can be exported at all.
  private static func exportedDigest(_ name: String, _ bench: Bench) throws(CheckStop) -> String? {
    guard bench.has("volume_export", "volume_export_formats") else { return nil }
    let formats = try bench.result("volume_export_formats", ["volname": .string(name)])["formats"]?.arrayValue ?? []
    guard let format = formats.first?.stringValue, format != "tar+size" else { return nil }
    return StreamEnd.digest("sha256", try exported(name, format, bench))
  }
}
