// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ManagementTypes

extension BerthClient {
  /// A volume's snapshots.
  public func snapshots(_ volid: String) async throws(ClientError) -> [SnapshotView] {
    try await send(.get, APIPath("volumes", volid, "snapshots"), as: ListOf<SnapshotView>.self).items
  }
}
