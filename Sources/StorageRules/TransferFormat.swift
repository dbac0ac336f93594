// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The form of a volume's data on its way between two storages. The names are those of Proxmox VE.
public struct TransferFormat: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  public var description: String { rawValue }

  /// Size header, then the bytes of the disk.
  public static let rawSize = TransferFormat(rawValue: "raw+size")
  /// Size header, then a tar archive of the tree.
  public static let tarSize = TransferFormat(rawValue: "tar+size")
  /// Size header, then a qcow2 file with its snapshots.
  public static let qcow2Size = TransferFormat(rawValue: "qcow2+size")
  /// Size header, then a vmdk file.
  public static let vmdkSize = TransferFormat(rawValue: "vmdk+size")
  /// A ZFS send stream.
  public static let zfs = TransferFormat(rawValue: "zfs")
  /// A btrfs send stream.
  public static let btrfs = TransferFormat(rawValue: "btrfs")

  /// All formats known by name, in the order in which they are preferred.
  public static let known: [TransferFormat] = [.rawSize, .tarSize, .qcow2Size, .vmdkSize, .zfs, .btrfs]

  /// Whether a stream begins with the 8-byte little-endian size (see ``StreamHeader``).
  public var hasSizeHeader: Bool { rawValue.hasSuffix("+size") }

  /// Whether the format carries snapshots along; only such formats serve a transfer with snapshots.
  public var carriesSnapshots: Bool { self != .rawSize && self != .tarSize }
}
