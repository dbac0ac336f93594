// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import StorageProtocol

extension StorageHost {
  /// One part of the list of a storage's volumes.
  /// - Parameters:
  ///   - vmid: only this guest's.
  ///   - content: only these content types; all when empty.
  ///   - cursor: where the last part ended.
  ///   - limit: at most this many, 1 to 10,000; the plugin may return fewer.
  public func list(
    _ storeid: String, vmid: Int? = nil, content: [String] = [], cursor: String? = nil, limit: Int = 1_000,
    _ caller: Caller
  ) async throws(StorageError) -> VolumePage {
    try InputChecks.storeid(storeid)
    if let vmid { try InputChecks.vmid(vmid) }
    if let cursor { try InputChecks.text(cursor, field: "cursor", maximum: 1_024) }
    guard (1...10_000).contains(limit) else {
      throw .refused(.invalidParams, "limit \(limit) is not allowed", hint: "give 1 to 10000", field: "limit")
    }
    let storage = try await registry.storage(storeid)
    var arguments: JSONObject = ["limit": .int(Int64(limit))]
    arguments["vmid"] = vmid.map { .int(Int64($0)) }
    arguments["cursor"] = cursor.map(JSON.string)
    if !content.isEmpty { arguments["content"] = content.json() }
    let answer = try await storage.call("list_volumes", arguments, CallRun(caller))
    let entries = (answer["volumes"]?.arrayValue ?? []).compactMap { VolumeEntry($0, storage: storage) }
    return VolumePage(volumes: entries, cursor: answer["nextCursor"]?.stringValue)
  }

  /// Where a volume, or one of its snapshots, is.
  public func path(
    _ storeid: String, _ volname: String, snapname: String? = nil, _ caller: Caller
  ) async throws(StorageError) -> VolumePath {
    let storage = try await checked(storeid, volname, snapname)
    var arguments: JSONObject = ["volname": .string(volname)]
    arguments["snapname"] = snapname.map(JSON.string)
    let answer = try await storage.call("path", arguments, CallRun(caller))
    return VolumePath(
      path: try answer.text("path"), vmid: answer["vmid"]?.intValue.map(Int.init), vtype: answer["vtype"]?.stringValue)
  }

  /// What is known of one volume.
  public func info(_ storeid: String, _ volname: String, _ caller: Caller) async throws(StorageError) -> VolumeInfo {
    let storage = try await checked(storeid, volname, nil)
    let run = CallRun(caller)
    let parsed = try await storage.parse(volname, run)
    guard let size = try await storage.sizeInfo(volname, run) else { throw .noVolume(volname, storage) }
    var info = VolumeInfo(
      volid: storage.volid(volname), volname: volname, content: parsed.vtype, vmid: parsed.vmid, size: size.size,
      format: size.format, used: size.used, parent: size.parent, ctime: size.ctime, isBase: parsed.isBase)
    info.path = try await optional { () async throws(StorageError) in
      try await storage.call("path", ["volname": .string(volname)], run)["path"]?.stringValue
    }
    info.notes = try await attribute(storage, volname, "notes", run)?.stringValue
    let isProtected = try await attribute(storage, volname, "protected", run)
    info.isProtected = isProtected?.boolValue ?? isProtected?.intValue.map { $0 != 0 }
    return info
  }

  /// Whether the volume can do something: `clone`, `copy`, `snapshot`, `template`, `rename`, `sparseinit`, `replicate`.
  public func hasFeature(
    _ storeid: String, _ volname: String, feature: String, snapname: String? = nil, _ caller: Caller
  ) async throws(StorageError) -> Bool {
    let storage = try await checked(storeid, volname, snapname)
    try InputChecks.text(feature, field: "feature", maximum: 32)
    var arguments: JSONObject = ["volname": .string(volname), "feature": .string(feature)]
    arguments["snapname"] = snapname.map(JSON.string)
    return try await storage.call("volume_has_feature", arguments, CallRun(caller))["supported"] == .bool(true)
  }

  func checked(_ storeid: String, _ volname: String, _ snapname: String?) async throws(StorageError) -> Storage {
    try InputChecks.storeid(storeid)
    try InputChecks.volname(volname)
    if let snapname { try InputChecks.snapname(snapname) }
    return try await registry.storage(storeid)
  }

  func attribute(
    _ storage: Storage, _ volname: String, _ name: String, _ run: CallRun
  ) async throws(StorageError) -> JSON? {
    try await optional { () async throws(StorageError) in
      try await storage.call(
        "get_volume_attribute", ["volname": .string(volname), "attribute": .string(name)], run.question)["value"]
    }
  }

  /// Nil where the storage does not support the question.
  private func optional<Value: Sendable>(
    _ body: () async throws(StorageError) -> Value?
  ) async throws(StorageError) -> Value? {
    do throws(StorageError) { return try await body() } catch {
      if error.code == .notSupported { return nil }
      throw error
    }
  }
}

extension VolumeEntry {
  init?(_ json: JSON, storage: Storage) {
    guard case .object(var object) = json, let name = object["volname"]?.stringValue else { return nil }
    func take(_ key: String) -> JSON? {
      defer { object[key] = nil }
      return object[key].flatMap { $0.isNull ? nil : $0 }
    }
    object["volname"] = nil
    let content = take("content")?.stringValue
    let format = take("format")?.stringValue
    let size = take("size")?.intValue
    let used = take("used")?.intValue
    let vmid = take("vmid")?.intValue.map(Int.init)
    let parent = take("parent")?.stringValue
    let ctime = take("ctime")?.intValue
    let notes = take("notes")?.stringValue
    let isProtected = take("protected")?.boolValue
    self.init(
      volid: storage.volid(name), volname: name, content: content, format: format, size: size, used: used, vmid: vmid,
      parent: parent, ctime: ctime, notes: notes, isProtected: isProtected, more: object)
  }
}
