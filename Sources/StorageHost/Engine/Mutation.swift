// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
internal import JSON
internal import StorageProtocol

/// One mutating operation, described: what the engine needs to run it under lock, journal and check.
struct Mutation: Sendable {
  /// The plugin method, or the host's own operation.
  var method: String
  /// What the caller asked for; two requests with the same key must agree in it.
  var request: JSONObject
  /// Volumes whose locks are taken, in order, before the storage's.
  var volumes: [String] = []
  /// Volumes nobody may change meanwhile, though others may read them too: bases and snapshots.
  var reads: [String] = []
  /// Whether the storage's own lock is held: for everything that changes which names exist.
  var needsStorageLock: Bool
  /// The longest the plugin's call may take; the method's default when nil.
  var timeout: Duration?
  /// Whether it settles an operation without an end, and so waits for none on its volumes.
  var isReconciling = false
}

/// What an operation is going to do, chosen under its lock and journaled before it is done.
struct Plan: Sendable {
  /// Enough to find out later what became of it: chosen names, old sizes, sources.
  var intent: JSONObject
  /// The result when it works.
  var result: JSON
  /// Names that must not be given to anybody else while it runs.
  var reserved: [String] = []
}

/// What the host found out about an operation nobody got an answer for.
enum Verdict: Sendable {
  /// The work is there and complete.
  case done(JSON)
  /// Nothing of it is left.
  case undone(String)
  /// Cannot be told or repaired by the host alone.
  case reported(String, hint: String)
}
