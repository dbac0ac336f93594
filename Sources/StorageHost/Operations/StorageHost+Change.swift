// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

extension StorageHost {
  /// Changes a volume's size.
  /// - Parameters:
  ///   - size: the new size in bytes; rounded up to a whole KiB.
  ///   - isRunning: whether a guest uses the volume now.
  /// - Returns: the size it has then, in bytes.
  public func resize(
    _ storeid: String, _ volname: String, size: Int64, isRunning: Bool = false, _ caller: Caller
  ) async throws(StorageError) -> Int64 {
    _ = try await checked(storeid, volname, nil)
    try InputChecks.size(size)
    let size = (size + 1_023) / 1_024 * 1_024
    let request: JSONObject = ["volname": .string(volname), "size": .int(size), "running": .bool(isRunning)]
    let mutation = Mutation(method: "volume_resize", request: request, volumes: [volname], needsStorageLock: false)
    let result = try await mutate(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      guard let old = try await storage.sizeInfo(volname, run) else { throw .noVolume(volname, storage) }
      guard size >= old.size else {
        throw .refused(
          .invalidParams, "'\(storage.volid(volname))' has \(old.size) bytes; shrinking to \(size) would lose data",
          hint: "give a larger size, or copy what is needed to a new volume", field: "size")
      }
      var intent = request
      intent["oldSize"] = .int(old.size)
      return Plan(intent: intent, result: .int(size))
    } perform: { (storage, _, run) async throws(StorageError) in
      let answer = try await storage.call("volume_resize", request, run)
      let found = try await StorageError.afterWork { () async throws(StorageError) in
        try await storage.sizeInfo(volname, run)
      }
      guard let info = found, info.size >= size || isRunning else {
        throw .lie(
          "volume_resize", storage, "'\(storage.volid(volname))' does not have the new size", outcome: .unknown)
      }
      return .int(answer["size"]?.intValue ?? max(info.size, size))
    }
    return result.intValue ?? size
  }

  /// A volume's attribute (`notes`, `protected`); nil when the storage has no such attribute.
  public func getAttribute(
    _ storeid: String, _ volname: String, _ name: String, _ caller: Caller
  ) async throws(StorageError) -> JSON? {
    let storage = try await checked(storeid, volname, nil)
    try InputChecks.text(name, field: "attribute", maximum: 32)
    return try await attribute(storage, volname, name, CallRun(caller))
  }

  /// Sets a volume's attribute: `notes` to text, `protected` to true or false.
  public func setAttribute(
    _ storeid: String, _ volname: String, _ name: String, _ value: JSON, _ caller: Caller
  ) async throws(StorageError) {
    let configured = try await checked(storeid, volname, nil)
    try InputChecks.text(name, field: "attribute", maximum: 32)
    if let text = value.stringValue { try InputChecks.text(text, field: "value") }
    let request: JSONObject = ["volname": .string(volname), "attribute": .string(name), "value": value]
    let protects = name == "protected" && (value.boolValue ?? (value.intValue != 0))
    let mutation = Mutation(
      method: "update_volume_attribute", request: request, volumes: [volname],
      needsStorageLock: protects && configured.protectionLimit != nil)
    _ = try await mutate(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      // The host's default looks for the file itself: such plugins know images only.
      let parsed =
        storage.facts.methods.contains("update_volume_attribute")
        ? try await self.existing(storage, volname, run) : try await storage.parse(volname, run)
      if protects { try await self.checkProtectionLimit(storage, parsed, run) }
      return Plan(intent: request, result: .null)
    } perform: { (storage, _, run) async throws(StorageError) in
      _ = try await storage.call("update_volume_attribute", request, run)
      return .null
    }
  }
}
