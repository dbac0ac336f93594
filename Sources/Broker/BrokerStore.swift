// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// Where the broker keeps what it must know after a crash. Durable when a call returns.
public protocol BrokerStore: Sendable {
  /// Every handle's record.
  func records() async throws(StorageError) -> [(key: String, value: String)]
  func put(_ key: String, _ value: String) async throws(StorageError)
  func delete(_ key: String) async throws(StorageError)
  /// Adds a line to the record of what was done; the oldest may go when there are thousands.
  func audit(_ entry: String) async
}
