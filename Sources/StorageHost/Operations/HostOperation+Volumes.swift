// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import StorageProtocol

/// Operations on the volumes of one storage. Their parameters are those of the host's functions of the same names.
extension HostOperation {
  /// See ``StorageHost/alloc(_:vmid:name:format:size:_:)``. Gives `volid`.
  public static func alloc(
    _ storeid: String, vmid: Int, name: String? = nil, format: String? = nil, size: Int64
  ) -> HostOperation {
    var request: JSONObject = ["vmid": .int(Int64(vmid)), "size": .int(size)]
    request.setOptional("name", name)
    request.setOptional("format", format)
    return HostOperation("alloc_image", on: storeid, "make a disk of \(size) bytes for guest \(vmid)", request) {
      (host, caller) async throws(StorageError) in
      result(
        "alloc_image",
        .string(try await host.alloc(storeid, vmid: vmid, name: name, format: format, size: size, caller)))
    }
  }

  /// See ``StorageHost/free(_:_:_:)``. Slow wiping goes on as a job of its own.
  public static func free(_ storeid: String, _ volname: String) -> HostOperation {
    HostOperation("free_image", on: storeid, "free \(storeid):\(volname)", ["volname": .string(volname)]) {
      (host, caller) async throws(StorageError) in
      try await host.free(storeid, volname, caller)
      return .null
    }
  }

  /// See ``StorageHost/clone(_:_:snapname:vmid:_:)``. Gives `volid`.
  public static func clone(
    _ storeid: String, _ volname: String, snapname: String? = nil, vmid: Int
  ) -> HostOperation {
    var request: JSONObject = ["volname": .string(volname), "vmid": .int(Int64(vmid))]
    request.setOptional("snapname", snapname)
    return HostOperation("clone_image", on: storeid, "clone \(storeid):\(volname) for guest \(vmid)", request) {
      (host, caller) async throws(StorageError) in
      result(
        "clone_image", .string(try await host.clone(storeid, volname, snapname: snapname, vmid: vmid, caller)))
    }
  }

  /// See ``StorageHost/createBase(_:_:_:)``. Gives `volid`.
  public static func createBase(_ storeid: String, _ volname: String) -> HostOperation {
    HostOperation("create_base", on: storeid, "make \(storeid):\(volname) a base", ["volname": .string(volname)]) {
      (host, caller) async throws(StorageError) in
      result("create_base", .string(try await host.createBase(storeid, volname, caller)))
    }
  }

  /// See ``StorageHost/rename(_:_:vmid:name:_:)``. Gives `volid`.
  public static func rename(
    _ storeid: String, _ volname: String, vmid: Int? = nil, name: String? = nil
  ) -> HostOperation {
    var request: JSONObject = ["volname": .string(volname)]
    request.setOptional("vmid", vmid)
    request.setOptional("name", name)
    return HostOperation("rename_volume", on: storeid, "rename \(storeid):\(volname)", request) {
      (host, caller) async throws(StorageError) in
      result("rename_volume", .string(try await host.rename(storeid, volname, vmid: vmid, name: name, caller)))
    }
  }

  /// See ``StorageHost/resize(_:_:size:isRunning:_:)``. Gives `size`.
  public static func resize(
    _ storeid: String, _ volname: String, size: Int64, isRunning: Bool = false
  ) -> HostOperation {
    let request: JSONObject = ["volname": .string(volname), "size": .int(size), "running": .bool(isRunning)]
    return HostOperation("volume_resize", on: storeid, "resize \(storeid):\(volname) to \(size) bytes", request) {
      (host, caller) async throws(StorageError) in
      result(
        "volume_resize", .int(try await host.resize(storeid, volname, size: size, isRunning: isRunning, caller)))
    }
  }

  static let changesVolume = "update_volume"

  /// Changes a volume's notes, its protection, or both.
  public static func update(
    _ storeid: String, _ volname: String, notes: String? = nil, isProtected: Bool? = nil
  ) -> HostOperation {
    var request: JSONObject = ["volname": .string(volname)]
    request.setOptional("notes", notes)
    request.setOptional("protected", isProtected)
    let kind = notes != nil && isProtected != nil ? changesVolume : "update_volume_attribute"
    let what = [notes.map { _ in "notes" }, isProtected.map { _ in "protection" }].compactMap(\.self)
    let title = "change the \(what.joined(separator: " and ")) of \(storeid):\(volname)"
    return HostOperation(kind, on: storeid, title, request) { (host, caller) async throws(StorageError) in
      if let notes { try await host.setAttribute(storeid, volname, "notes", .string(notes), caller.part("notes")) }
      guard let isProtected else { return .null }
      do throws(StorageError) {
        try await host.setAttribute(storeid, volname, "protected", .bool(isProtected), caller.part("protected"))
      } catch {
        guard notes != nil else { throw error }
        throw error.with(outcome: .partial, hint: "the notes are changed, the protection is not: repeat it alone")
      }
      return .null
    }
  }

  /// See ``StorageHost/snapshot(_:_:_:isRunning:_:)``.
  public static func snapshot(
    _ storeid: String, _ volname: String, _ snapname: String, isRunning: Bool = false
  ) -> HostOperation {
    snapshotChange("volume_snapshot", "take", storeid, volname, snapname, isRunning) {
      (host, caller) async throws(StorageError) in
      try await host.snapshot(storeid, volname, snapname, isRunning: isRunning, caller)
    }
  }

  /// See ``StorageHost/rollback(_:_:_:_:)``.
  public static func rollback(_ storeid: String, _ volname: String, _ snapname: String) -> HostOperation {
    snapshotChange("volume_snapshot_rollback", "roll back to", storeid, volname, snapname) {
      (host, caller) async throws(StorageError) in
      try await host.rollback(storeid, volname, snapname, caller)
    }
  }

  /// See ``StorageHost/deleteSnapshot(_:_:_:isRunning:_:)``.
  public static func deleteSnapshot(
    _ storeid: String, _ volname: String, _ snapname: String, isRunning: Bool = false
  ) -> HostOperation {
    snapshotChange("volume_snapshot_delete", "delete", storeid, volname, snapname, isRunning) {
      (host, caller) async throws(StorageError) in
      try await host.deleteSnapshot(storeid, volname, snapname, isRunning: isRunning, caller)
    }
  }

  /// See ``StorageHost/renameSnapshot(_:_:_:to:_:)``.
  public static func renameSnapshot(
    _ storeid: String, _ volname: String, _ snapname: String, to target: String
  ) -> HostOperation {
    let request: JSONObject = [
      "volname": .string(volname), "snapname": .string(snapname), "targetSnapname": .string(target),
    ]
    let title = "rename snapshot \(snapname) of \(storeid):\(volname) to \(target)"
    return HostOperation("rename_snapshot", on: storeid, title, request) {
      (host, caller) async throws(StorageError) in
      try await host.renameSnapshot(storeid, volname, snapname, to: target, caller)
      return .null
    }
  }

  private static func snapshotChange(
    _ method: String, _ verb: String, _ storeid: String, _ volname: String, _ snapname: String,
    _ isRunning: Bool = false, _ work: @escaping @Sendable (StorageHost, Caller) async throws(StorageError) -> Void
  ) -> HostOperation {
    let request: JSONObject = [
      "volname": .string(volname), "snapname": .string(snapname), "running": .bool(isRunning),
    ]
    return HostOperation(method, on: storeid, "\(verb) snapshot \(snapname) of \(storeid):\(volname)", request) {
      (host, caller) async throws(StorageError) in
      try await work(host, caller)
      return .null
    }
  }

  /// See ``StorageHost/prune(_:keep:vmid:type:isDryRun:_:)``. Gives `items`: every backup looked at, with its mark.
  public static func prune(
    _ storeid: String, keep: String? = nil, vmid: Int? = nil, type: String? = nil
  ) -> HostOperation {
    var request = JSONObject()
    request.setOptional("keep", keep)
    request.setOptional("vmid", vmid)
    request.setOptional("type", type)
    let whose = vmid.map { " of guest \($0)" } ?? ""
    return HostOperation("prune_backups", on: storeid, "prune the backups\(whose) on \(storeid)", request) {
      (host, caller) async throws(StorageError) in
      let marks = try await host.prune(storeid, keep: keep, vmid: vmid, type: type, isDryRun: false, caller)
      return ["items": marks.json()]
    }
  }

  /// See ``StorageHost/call(_:on:_:_:)``, for methods that change something. Gives the method's result.
  public static func call(_ storeid: String, _ method: String, _ arguments: JSONObject) -> HostOperation {
    let request: JSONObject = ["method": .string(method), "arguments": .object(arguments)]
    return HostOperation("call", on: storeid, "call \(method) of \(storeid)", request) {
      (host, caller) async throws(StorageError) in
      .object(try await host.call(method, on: storeid, arguments, caller))
    }
  }
}
