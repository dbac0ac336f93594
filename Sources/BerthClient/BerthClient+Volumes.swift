// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ManagementTypes

extension BerthClient {
  /// A part of a storage's volumes.
  public func volumes(
    _ storeid: String, vmid: Int? = nil, content: String? = nil, cursor: String? = nil, limit: Int? = nil
  ) async throws(ClientError) -> VolumeList {
    try await send(
      .get,
      APIPath("storages", storeid, "volumes").query("vmid", vmid.map(Int64.init)).query("content", content)
        .query("cursor", cursor).query("limit", limit.map(Int64.init)))
  }

  /// Makes a volume.
  public func alloc(
    _ storeid: String, _ volume: VolumeCreate, idempotencyKey: String? = nil
  ) async throws(ClientError) -> VolumeName {
    try await run(.alloc(storeid, volume), idempotencyKey: idempotencyKey, as: VolumeName.self)
  }

  /// A volume with its attributes.
  public func volume(_ volid: String) async throws(ClientError) -> VolumeDetail {
    try await send(.get, APIPath("volumes", volid))
  }

  /// Changes notes or protection.
  public func updateVolume(
    _ volid: String, _ update: VolumeUpdate, idempotencyKey: String? = nil
  ) async throws(ClientError) {
    try await run(.updateVolume(volid, update), idempotencyKey: idempotencyKey)
  }

  /// Removes a volume and what it holds.
  public func free(_ volid: String, idempotencyKey: String? = nil) async throws(ClientError) {
    try await run(.free(volid), idempotencyKey: idempotencyKey)
  }

  /// Makes a clone of a base image or a snapshot.
  public func clone(
    _ volid: String, _ clone: VolumeClone, idempotencyKey: String? = nil
  ) async throws(ClientError) -> VolumeName {
    try await run(.clone(volid, clone), idempotencyKey: idempotencyKey, as: VolumeName.self)
  }

  /// Turns a volume into a base image.
  public func makeBase(_ volid: String, idempotencyKey: String? = nil) async throws(ClientError) -> VolumeName {
    try await run(.makeBase(volid), idempotencyKey: idempotencyKey, as: VolumeName.self)
  }

  /// Gives a volume another name or owner.
  public func rename(
    _ volid: String, _ rename: VolumeRename, idempotencyKey: String? = nil
  ) async throws(ClientError) -> VolumeName {
    try await run(.rename(volid, rename), idempotencyKey: idempotencyKey, as: VolumeName.self)
  }

  /// Where a volume, or a snapshot of it, is.
  public func path(_ volid: String, snapshot: String? = nil) async throws(ClientError) -> PathView {
    try await send(.get, APIPath("volumes", volid, "path").query("snapshot", snapshot))
  }

  /// Whether a volume can do something: `clone`, `copy`, `snapshot`, `template`, `rename`, `sparseinit`, `replicate`.
  public func hasFeature(
    _ volid: String, _ feature: String, snapshot: String? = nil
  ) async throws(ClientError) -> FeatureView {
    try await send(.get, APIPath("volumes", volid, "features", feature).query("snapshot", snapshot))
  }

  /// Makes a volume usable on this node.
  public func activateVolume(_ volid: String, snapshot: String? = nil) async throws(ClientError) {
    try await send(.post, APIPath("volumes", volid, "activate").query("snapshot", snapshot))
  }

  /// Undoes that.
  public func deactivateVolume(_ volid: String, snapshot: String? = nil) async throws(ClientError) {
    try await send(.post, APIPath("volumes", volid, "deactivate").query("snapshot", snapshot))
  }

  /// Maps a volume to a path or device of this node.
  public func mapVolume(_ volid: String, snapshot: String? = nil) async throws(ClientError) -> PathView {
    try await send(.post, APIPath("volumes", volid, "map").query("snapshot", snapshot))
  }

  /// Undoes that.
  public func unmapVolume(_ volid: String, snapshot: String? = nil) async throws(ClientError) {
    try await send(.post, APIPath("volumes", volid, "unmap").query("snapshot", snapshot))
  }

  /// What a retention rule would remove, without removing it.
  public func pruneMarks(
    _ storeid: String, keep: String?, vmid: Int?, type: String?
  ) async throws(ClientError) -> [PruneView] {
    try await send(
      .post, Change.prunePath(storeid, keep: keep, vmid: vmid, type: type).query("dry-run", true),
      as: ListOf<PruneView>.self
    ).items
  }
}
