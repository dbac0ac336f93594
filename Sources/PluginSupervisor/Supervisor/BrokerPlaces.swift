// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// What the host does around an instance for the broker, which stands above the supervisor.
public protocol BrokerPlaces: Sendable {
  /// Makes the directory's `mounts` and `dev` places whose later mounts and nodes reach a running plugin; before its
  /// start. May be repeated.
  func prepare(_ directory: String) async throws(StorageError)

  /// Takes away everything that the holder has: mounts, loop devices, nodes, attachments, and the places themselves.
  func release(holder: String, directory: String) async

  /// Those of the services that cannot be done where the host runs now, whatever was granted.
  func unavailable(of services: Set<String>) async -> Set<String>
}
