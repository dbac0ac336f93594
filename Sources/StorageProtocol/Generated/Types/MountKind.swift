// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What is mounted.
/// Open: a later version or a plugin may add values.
public struct MountKind: RawRepresentable, JSONCodable, Sendable, Hashable {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// An NFS export.
  public static let nfs = MountKind(rawValue: "nfs")
  /// An SMB share.
  public static let cifs = MountKind(rawValue: "cifs")
  /// A Ceph file system.
  public static let cephfs = MountKind(rawValue: "cephfs")
  /// A file system in a regular file of a granted directory.
  public static let loop = MountKind(rawValue: "loop")
  /// A granted block device.
  public static let device = MountKind(rawValue: "device")
}
