// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Jobs
internal import StorageProtocol

/// Operations that change the configuration: the plugin's hooks may take long.
extension HostOperation {
  static let addsStorage = "add_storage"

  /// See ``StorageHost/addStorage(_:type:values:digest:_:)``. Gives `storage`, and `show` to whoever asks soon.
  /// - Parameter values: properties and secrets; only a digest of them is kept.
  public static func addStorage(
    _ storeid: String, type: String, values: JSONObject, digest: String? = nil
  ) -> HostOperation {
    var request: JSONObject = [
      "type": .string(type), "values": .string(Fingerprint.of(addsStorage, storeid, values)),
    ]
    request.setOptional("digest", digest)
    return HostOperation(
      addsStorage, on: storeid, "add storage \(storeid) of type \(type)", request, isConfiguration: true
    ) { (host, caller) async throws(StorageError) in
      host.told(try await host.addStorage(storeid, type: type, values: values, digest: digest, caller), caller)
    }
  }

  /// See ``StorageHost/updateStorage(_:values:deleting:digest:_:)``. Gives what adding gives.
  /// - Parameter values: properties and secrets; only a digest of them is kept.
  public static func updateStorage(
    _ storeid: String, values: JSONObject, deleting: [String] = [], digest: String? = nil
  ) -> HostOperation {
    var request: JSONObject = [
      "values": .string(Fingerprint.of("update_storage", storeid, values)), "delete": deleting.json(),
    ]
    request.setOptional("digest", digest)
    return HostOperation(
      "update_storage", on: storeid, "change storage \(storeid)", request, isConfiguration: true
    ) { (host, caller) async throws(StorageError) in
      host.told(
        try await host.updateStorage(storeid, values: values, deleting: deleting, digest: digest, caller), caller)
    }
  }

  /// See ``StorageHost/removeStorage(_:digest:isForced:_:)``. Gives `warnings` when there are any.
  public static func removeStorage(_ storeid: String, digest: String? = nil, isForced: Bool = false) -> HostOperation {
    var request = JSONObject()
    request.setOptional("digest", digest)
    if isForced { request["force"] = true }
    return HostOperation(
      "remove_storage", on: storeid, "remove storage \(storeid)", request, isConfiguration: true
    ) { (host, caller) async throws(StorageError) in
      let warnings = try await host.removeStorage(storeid, digest: digest, isForced: isForced, caller)
      return warnings.isEmpty ? .null : ["warnings": warnings.json()]
    }
  }

  /// A storage as a job's result has it.
  static func told(_ storage: StorageSummary) -> JSON {
    var summary = storage.json().objectValue ?? [:]
    summary["config"] = nil
    return ["storage": .object(summary), "show": [:]]
  }
}

extension StorageHost {
  /// The result of a change for the job; what the plugin wants shown goes into no file, only to who asks soon.
  func told(_ change: StorageChange, _ caller: Caller) -> JSON {
    if let job = caller.job?.id, !change.show.isEmpty { shown.keep(change.show, of: job) }
    guard let storage = change.storage, var told = HostOperation.told(storage).objectValue else { return .null }
    if !change.warnings.isEmpty { told["warnings"] = change.warnings.json() }
    return .object(told)
  }
}
