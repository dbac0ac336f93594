// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

/// btrfs subvolumes, beneath directories that the plugin may write; the limit `path` of the grant narrows them.
extension Broker {
  func createSubvolume(
    _ params: HostBtrfsSubvolumeCreate.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBtrfsSubvolumeCreate.Result {
    let location = try service.admitted(params.path, writes: true)
    let outcome = try await btrfs(.create, service) { $0.location = location }
    return HostBtrfsSubvolumeCreate.Result(subvolume: Self.subvolume(params.path, outcome))
  }

  func snapshotSubvolume(
    _ params: HostBtrfsSubvolumeSnapshot.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBtrfsSubvolumeSnapshot.Result {
    let source = try service.admitted(params.path, writes: false)
    let target = try service.admitted(params.target, writes: true)
    let outcome = try await btrfs(.snapshot, service) { operation in
      (operation.location, operation.second) = (source, target)
      if params.readOnly == true { operation.flags.insert(.readOnly) }
    }
    return HostBtrfsSubvolumeSnapshot.Result(subvolume: Self.subvolume(params.target, outcome))
  }

  func deleteSubvolume(
    _ params: HostBtrfsSubvolumeDelete.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBtrfsSubvolumeDelete.Result {
    let location = try service.admitted(params.path, writes: true)
    _ = try await btrfs(.delete, service) { $0.location = location }
    return HostBtrfsSubvolumeDelete.Result()
  }

  func listSubvolumes(
    _ params: HostBtrfsSubvolumeList.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBtrfsSubvolumeList.Result {
    let location = try service.admitted(params.path, writes: false, allowsRoot: true)
    let outcome = try await btrfs(.list, service) { $0.location = location }
    guard let records = SubvolumeRecord.all(in: outcome.output) else {
      throw StorageError(.backendError, "\(service.method): the worker's list is cut off", outcome: .notStarted)
    }
    return HostBtrfsSubvolumeList.Result(subvolumes: records.map { $0.subvolume(below: params.path) })
  }

  func setSubvolumeReadOnly(
    _ params: HostBtrfsSubvolumeSetReadOnly.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBtrfsSubvolumeSetReadOnly.Result {
    let location = try service.admitted(params.path, writes: true)
    _ = try await btrfs(.set, service) { operation in
      operation.location = location
      if params.readOnly { operation.flags.insert(.readOnly) }
    }
    return HostBtrfsSubvolumeSetReadOnly.Result()
  }

  private func btrfs(
    _ verb: BrokerOperation.Btrfs, _ service: GrantedService, _ fill: (inout BrokerOperation) -> Void
  ) async throws(StorageError) -> BrokerOutcome {
    var operation = BrokerOperation(.btrfs, verb: verb.rawValue)
    fill(&operation)
    let outcome = try await perform(operation, service.method, storeid: service.client.storeid)
    if outcome.error == 0 { return outcome }
    var error = failure(outcome, service.method)
    if outcome.error == 95 {  // ENOTSUP
      error.code = .backendError
      error.hint = "the storage's directory must be on btrfs"
    }
    throw error
  }

  private static func subvolume(_ path: String, _ outcome: BrokerOutcome) -> BtrfsSubvolume {
    BtrfsSubvolume(
      path: path, id: Int64(clamping: outcome.id), uuid: SubvolumeRecord.uuid(outcome.uuid),
      parentUuid: SubvolumeRecord.uuid(outcome.parent), readOnly: outcome.number == 1,
      generation: Int64(clamping: outcome.generation))
  }
}
