// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// The kind of a property's value.
public indirect enum PropertyKind: Sendable, Hashable {
  case boolean
  /// Both bounds belong to the range.
  case integer(minimum: Int64? = nil, maximum: Int64? = nil)
  case number(minimum: Double? = nil, maximum: Double? = nil)
  /// Lengths in characters; the pattern may match anywhere in the text unless it has anchors.
  case text(minLength: Int = 1, maxLength: Int = 4096, pattern: Pattern? = nil)
  /// Several values, each on a line of its own with the key repeated.
  case array(of: PropertyKind, minCount: Int = 0, maxCount: Int = 256, isUnique: Bool = false)

  // Kinds with a syntax of their own, as the common options of Proxmox VE have them.

  /// A list of content types.
  case content
  /// A list of node names.
  case nodes
  /// `type=relative/directory,…`.
  case contentDirectories
  /// `keep-last=3,keep-daily=7,…`.
  case retention
  /// `migration=1000,restore=…` in KiB/s.
  case bandwidth
  /// An absolute path.
  case path
  /// Text without blanks.
  case mountOptions
  /// A boolean, or the absolute path that must be a mount point.
  case mountPoint
  /// A host name or address.
  case server
  /// A name of a volume group or logical volume.
  case logicalVolumeName
  /// A storage id.
  case storageID
}
