// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import ManagementTypes

extension BerthClient {
  /// The configured storages.
  public func storages() async throws(ClientError) -> [StorageView] {
    try await send(.get, APIPath("storages"), as: ListOf<StorageView>.self).items
  }

  /// One storage's configuration.
  public func storage(_ storeid: String) async throws(ClientError) -> StorageView {
    try await send(.get, APIPath("storages", storeid))
  }

  /// Adds a storage.
  public func addStorage(
    _ storage: StorageCreate, idempotencyKey: String? = nil
  ) async throws(ClientError) -> StorageCreated {
    try await run(.addStorage(storage), idempotencyKey: idempotencyKey, as: StorageCreated.self)
  }

  /// Changes a storage's configuration.
  public func updateStorage(
    _ storeid: String, _ update: StorageUpdate, idempotencyKey: String? = nil
  ) async throws(ClientError) -> StorageCreated {
    try await run(.updateStorage(storeid, update), idempotencyKey: idempotencyKey, as: StorageCreated.self)
  }

  /// Removes a storage's configuration; its volumes stay where they are.
  /// - Parameter force: also when its plugin cannot take back what it made.
  /// - Returns: what the administrator has to know: that the plugin's hook was not run, and why.
  @discardableResult
  public func removeStorage(
    _ storeid: String, digest: String? = nil, force: Bool = false, idempotencyKey: String? = nil
  ) async throws(ClientError) -> [String] {
    let result = try await run(
      .removeStorage(storeid, digest: digest, force: force), idempotencyKey: idempotencyKey)
    return (result["warnings"]?.arrayValue ?? []).compactMap(\.stringValue)
  }

  /// How every storage is, as last sampled.
  public func statuses() async throws(ClientError) -> [StatusView] {
    try await send(.get, APIPath("status"), as: ListOf<StatusView>.self).items
  }

  /// How a storage is; `fresh` asks its plugin now.
  public func status(_ storeid: String, fresh: Bool = false) async throws(ClientError) -> StatusView {
    try await send(.get, APIPath("storages", storeid, "status").query("fresh", fresh))
  }

  /// Makes a storage ready for use.
  public func activate(_ storeid: String) async throws(ClientError) {
    try await send(.post, APIPath("storages", storeid, "activate"))
  }

  /// Undoes that.
  public func deactivate(_ storeid: String) async throws(ClientError) {
    try await send(.post, APIPath("storages", storeid, "deactivate"))
  }
}
