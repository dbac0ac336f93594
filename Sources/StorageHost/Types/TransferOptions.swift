// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import PluginSupervisor

/// How data is moved out of, into or between storages.
public struct TransferOptions: Sendable, Hashable {
  /// The snapshot whose state is sent; nil for the current state.
  public var snapname: String?
  /// The snapshot the receiver has already: only what changed since is sent.
  public var baseSnapshot: String?
  /// Whether the snapshots go along.
  public var withSnapshots = false
  /// The digest compared on top of the byte count; nil moves the data without reading it.
  public var digest: DigestAlgorithm?
  /// The stream format of a copy; the best both storages know when nil.
  public var format: String?
  /// Bytes a second at most, on top of what the storages' own `bwlimit` says.
  public var bytesPerSecond: Int64?
  /// Told how many bytes have passed.
  var progress: StreamProgress?

  public init(
    snapname: String? = nil, baseSnapshot: String? = nil, withSnapshots: Bool = false, digest: DigestAlgorithm? = nil,
    format: String? = nil, bytesPerSecond: Int64? = nil
  ) {
    self.snapname = snapname
    self.baseSnapshot = baseSnapshot
    self.withSnapshots = withSnapshots
    self.digest = digest
    self.format = format
    self.bytesPerSecond = bytesPerSecond
  }
}
