// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The way a family of storages writes its volume names. A plugin's manifest chooses one.
public enum VolumeGrammar: String, Sendable, Hashable, CaseIterable {
  /// Files below a path: `VMID/NAME.FMT`, `iso/…`, `backup/…`, and so on.
  case directory
  /// Logical volumes: `vm-VMID-…`, with `.qcow2` for a volume chain.
  case lvm
  /// Thin logical volumes: `vm-VMID-…` and `base-VMID-…`; a clone does not name its base.
  case lvmthin
  /// Datasets: `vm-VMID-…`, `subvol-VMID-…`, `base-…`, `basevol-…`, clones as `BASE/NAME`.
  case zfspool
  /// Block images: `vm-VMID-…`, `base-VMID-…`, clones as `BASE/NAME`.
  case rbd

  /// Reads a grammar's name; `block` is another word for ``rbd``, the most general of the block grammars.
  public init?(named name: String) {
    if name == "block" {
      self = .rbd
    } else {
      self.init(rawValue: name)
    }
  }

  /// Whether an image's name ends in its format.
  public var namesCarryFormat: Bool { self == .directory }

  /// Whether a linked clone's name holds the name of its base.
  public var clonesNameTheirBase: Bool {
    switch self {
    case .directory, .zfspool, .rbd: true
    case .lvm, .lvmthin: false
    }
  }
}
