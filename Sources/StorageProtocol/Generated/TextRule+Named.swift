// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

/// The rules of the protocol's named texts.
extension TextRule {
  /// The name of a configured storage, such as `local`. Compared as it is written.
  static let storageId = TextRule(length: 2...100, pattern: #"^[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]$"#)
  /// A volume's name inside its storage: what stands after the first `:` of a volume id. No control characters.
  static let volumeName = TextRule(length: 1...1000, pattern: #"^[^\u0000-\u001f\u007f]+$"#)
  /// The name of a snapshot. `current` is reserved for the live state.
  static let snapshotName = TextRule(length: 1...128, pattern: #"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"#)
  /// How a volume's bytes are laid out: `raw`, `qcow2`, `vmdk`, `subvol`, `ova+vmdk`, … Open: a plugin may have its
  /// own.
  static let volumeFormatName = TextRule(length: 1...32, pattern: #"^[a-z0-9][a-z0-9+._-]*$"#)
  /// How a volume travels: `raw+size`, `qcow2+size`, `vmdk+size`, `tar+size` (8 bytes little-endian size, then data),
  /// `zfs`, `btrfs`. Open.
  static let streamFormatName = TextRule(length: 1...32, pattern: #"^[a-z0-9][a-z0-9+._-]*$"#)
  /// What volumes are for: `images`, `rootdir`, `vztmpl`, `iso`, `backup`, `snippets`, `import`, `none`. Open.
  static let contentTypeName = TextRule(length: 1...32, pattern: #"^[a-z][a-z0-9_-]*$"#)
  /// What a volume name denotes: `images`, `iso`, `vztmpl`, `backup`, `snippets`, `import`. Open.
  static let volumeTypeName = TextRule(length: 1...32, pattern: #"^[a-z][a-z0-9_-]*$"#)
  /// An absolute path, or what the storage gives in its place (a `rbd:` or `iscsi:` address for QEMU).
  static let absolutePath = TextRule(length: 1...4096, pattern: #"^[^\u0000-\u001f\u007f]+$"#)
  /// Where the next page begins; opaque to the host, at most 1 KiB.
  static let cursor = TextRule(length: 1...1024)
  /// A checksum in lower-case hex.
  static let hexDigest = TextRule(length: 8...128, pattern: #"^[0-9a-f]+$"#)
  /// Name of a lock of the plugin's own, local to plugin and storage.
  static let localLockName = TextRule(length: 1...128, pattern: #"^[A-Za-z0-9][A-Za-z0-9_./-]*$"#)
  /// A key of the plugin's journal, local to plugin and storage.
  static let journalKey = TextRule(length: 1...256, pattern: #"^[A-Za-z0-9][A-Za-z0-9_./:-]*$"#)
  /// Name of a volume group or logical volume.
  static let lvmName = TextRule(length: 1...128, pattern: #"^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$"#)
  /// What a storage type can be used as, such as `block`, `file`, `backup`. Open.
  static let roleName = TextRule(length: 1...32)
  /// Name of a snapshot or volume that stands in the way.
  static let blockerName = TextRule(length: 1...1000)
}
