// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What to make of a stream.
public struct ImportOptions: Sendable, Hashable {
  /// The stream format, such as `raw+size`.
  public var format: String
  /// The new volume's name; chosen by the host when nil.
  public var name: String?
  /// The guest that will own it; needed when no name says it.
  public var vmid: Int?
  /// The snapshot the stream ends with.
  public var snapshot: String?
  /// The snapshot an incremental stream starts from.
  public var base: String?
  /// Whether another name may be taken when that one exists.
  public var allowRename: Bool
  /// Whether the stream carries snapshots.
  public var withSnapshots: Bool
  /// `crc32` or `sha256`; the host's choice when nil.
  public var digest: String?
  /// The image format of a volume whose name the host chooses; the storage's default when nil.
  public var imageFormat: String?

  public init(
    format: String, name: String? = nil, vmid: Int? = nil, snapshot: String? = nil, base: String? = nil,
    allowRename: Bool = false, withSnapshots: Bool = false, digest: String? = nil, imageFormat: String? = nil
  ) {
    self.format = format
    self.name = name
    self.vmid = vmid
    self.snapshot = snapshot
    self.base = base
    self.allowRename = allowRename
    self.withSnapshots = withSnapshots
    self.digest = digest
    self.imageFormat = imageFormat
  }
}
