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
    try await send(.post, APIPath("storages", storeid, "volumes"), body: volume, idempotencyKey: idempotencyKey)
  }

  /// A volume with its attributes.
  public func volume(_ volid: String) async throws(ClientError) -> VolumeDetail {
    try await send(.get, APIPath("volumes", volid))
  }

  /// Changes notes or protection.
  public func updateVolume(_ volid: String, _ update: VolumeUpdate) async throws(ClientError) {
    try await send(.patch, APIPath("volumes", volid), body: update)
  }

  /// Removes a volume and what it holds.
  public func free(_ volid: String, idempotencyKey: String? = nil) async throws(ClientError) {
    try await send(.delete, APIPath("volumes", volid), idempotencyKey: idempotencyKey)
  }

  /// Where a volume, or a snapshot of it, is.
  public func path(_ volid: String, snapshot: String? = nil) async throws(ClientError) -> PathView {
    try await send(.get, APIPath("volumes", volid, "path").query("snapshot", snapshot))
  }

  /// Changes a volume's size.
  public func resize(
    _ volid: String, _ resize: VolumeResize, idempotencyKey: String? = nil
  ) async throws(ClientError) -> VolumeDetail {
    try await send(.post, APIPath("volumes", volid, "resize"), body: resize, idempotencyKey: idempotencyKey)
  }

  /// Makes a linked clone of a base image.
  public func clone(
    _ volid: String, _ clone: VolumeClone, idempotencyKey: String? = nil
  ) async throws(ClientError) -> VolumeName {
    try await send(.post, APIPath("volumes", volid, "clone"), body: clone, idempotencyKey: idempotencyKey)
  }

  /// Gives a volume another name or owner.
  public func rename(
    _ volid: String, _ rename: VolumeRename, idempotencyKey: String? = nil
  ) async throws(ClientError) -> VolumeName {
    try await send(.post, APIPath("volumes", volid, "rename"), body: rename, idempotencyKey: idempotencyKey)
  }

  /// Turns a volume into a base image.
  public func makeBase(_ volid: String, idempotencyKey: String? = nil) async throws(ClientError) -> VolumeName {
    try await send(.post, APIPath("volumes", volid, "base"), idempotencyKey: idempotencyKey)
  }

  /// Starts copying a volume to another storage; the answer is the job that does it.
  public func copy(
    _ volid: String, _ copy: VolumeCopy, idempotencyKey: String? = nil
  ) async throws(ClientError) -> JobView {
    try await send(.post, APIPath("volumes", volid, "copy"), body: copy, idempotencyKey: idempotencyKey)
  }

  /// Starts moving a volume to another storage; the source goes only after the target is durable.
  public func move(
    _ volid: String, _ copy: VolumeCopy, idempotencyKey: String? = nil
  ) async throws(ClientError) -> JobView {
    try await send(.post, APIPath("volumes", volid, "move"), body: copy, idempotencyKey: idempotencyKey)
  }
}
