// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Broker
internal import Jobs
internal import PluginSupervisor
internal import StorageProtocol

/// The broker's durable memory: handles, and the record of what was done, beside the journal.
struct BrokerNotes: BrokerStore {
  static let handles = "broker"
  static let auditTrail = "broker-audit"
  /// Entries of the record that are kept, at least.
  static let kept = 10_000
  let notes: Notes

  func records() async throws(StorageError) -> [(key: String, value: String)] {
    do throws(JobsError) { return try await notes.all(Self.handles) } catch { throw StorageError(error) }
  }

  func put(_ key: String, _ value: String) async throws(StorageError) {
    do throws(JobsError) { try await notes.put(Self.handles, key, value) } catch { throw StorageError(error) }
  }

  func delete(_ key: String) async throws(StorageError) {
    do throws(JobsError) { try await notes.delete(Self.handles, key) } catch { throw StorageError(error) }
  }

  func audit(_ entry: String) async {
    // The log has it as well; a full disk must not stop a release.
    try? await notes.append(Self.auditTrail, entry, keeping: Self.kept)
  }
}

/// The broker as the supervisor sees it.
struct HostBrokerPlaces: BrokerPlaces {
  let broker: Broker

  func prepare(_ directory: String) async throws(StorageError) { try await broker.prepare(directory) }

  func release(holder: String, directory: String) async {
    await broker.release(holder: holder, directory: directory)
  }

  func unavailable(of services: Set<String>) async -> Set<String> { await broker.unavailable(of: services) }
}
