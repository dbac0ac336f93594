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
    try await run(.createSnapshot(volid, name), idempotencyKey: idempotencyKey)
  }

  /// Takes a volume back to a snapshot; what was written since is lost.
  public func rollback(_ volid: String, _ name: String, idempotencyKey: String? = nil) async throws(ClientError) {
    try await run(.rollback(volid, name), idempotencyKey: idempotencyKey)
  }

  /// Removes a snapshot.
  public func deleteSnapshot(_ volid: String, _ name: String, idempotencyKey: String? = nil) async throws(ClientError) {
    try await run(.deleteSnapshot(volid, name), idempotencyKey: idempotencyKey)
  }
}
