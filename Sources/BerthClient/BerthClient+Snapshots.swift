// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ManagementTypes

extension BerthClient {
  /// A volume's snapshots.
  public func snapshots(_ volid: String) async throws(ClientError) -> [SnapshotView] {
    try await send(.get, APIPath("volumes", volid, "snapshots"), as: ListOf<SnapshotView>.self).items
  }

  /// Takes a snapshot.
  public func createSnapshot(
    _ volid: String, _ name: String, idempotencyKey: String? = nil
  ) async throws(ClientError) {
    try await send(
      .post, APIPath("volumes", volid, "snapshots"), body: SnapshotCreate(name: name), idempotencyKey: idempotencyKey)
  }

  /// Takes a volume back to a snapshot; what was written since is lost.
  public func rollback(_ volid: String, _ name: String, idempotencyKey: String? = nil) async throws(ClientError) {
    try await send(
      .post, APIPath("volumes", volid, "snapshots", name, "rollback"), idempotencyKey: idempotencyKey)
  }

  /// Removes a snapshot.
  public func deleteSnapshot(_ volid: String, _ name: String, idempotencyKey: String? = nil) async throws(ClientError) {
    try await send(.delete, APIPath("volumes", volid, "snapshots", name), idempotencyKey: idempotencyKey)
  }

  /// Gives a snapshot another name.
  public func renameSnapshot(
    _ volid: String, _ name: String, to newName: String, idempotencyKey: String? = nil
  ) async throws(ClientError) {
    try await send(
      .post, APIPath("volumes", volid, "snapshots", name, "rename"), body: SnapshotRename(name: newName),
      idempotencyKey: idempotencyKey)
  }
}
