// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What to export and how.
public struct ExportOptions: Sendable, Hashable {
  /// The stream format, such as `raw+size`.
  public var format: String
  /// The snapshot to export in place of the volume as it is now.
  public var snapshot: String?
  /// The snapshot an incremental stream starts from.
  public var base: String?
  /// Whether the snapshots go along.
  public var withSnapshots: Bool
  /// `crc32` or `sha256`; none when nil.
  public var digest: String?

  public init(
    format: String, snapshot: String? = nil, base: String? = nil, withSnapshots: Bool = false, digest: String? = nil
  ) {
    self.format = format
    self.snapshot = snapshot
    self.base = base
    self.withSnapshots = withSnapshots
    self.digest = digest
  }
}
