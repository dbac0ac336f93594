// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Who takes snapshots of a running guest's disk.
public enum QemuSnapshotMethod: String, JSONCodable, Sendable, Hashable, CaseIterable {
  /// QEMU, inside the image.
  case qemu
  /// The storage.
  case storage
  /// QEMU with the storage providing volumes.
  case mixed
}
