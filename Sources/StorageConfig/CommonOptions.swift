// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// The options every storage type takes, whatever its plugin: those of Proxmox VE, with its syntax.
public enum CommonOptions {
  /// By name.
  public static let rules: [String: PropertyRule] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// Options whose meaning is the host's alone: a plugin's schema cannot redefine them.
  static let reserved: Set<String> = ["content", "nodes", "disable", "shared", "type", "storage", "digest", "delete"]

  /// Types whose storages are always shared, whether their section says so or not.
  static let alwaysShared: Set<String> = [
    "iscsi", "nfs", "cifs", "rbd", "cephfs", "iscsidirect", "zfs", "drbd", "pbs",
  ]

  private static let all: [PropertyRule] = [
    PropertyRule("content", .content, description: "What the storage may hold."),
    PropertyRule("nodes", .nodes, description: "The nodes that have the storage; all of them unless given."),
    PropertyRule("disable", .boolean, description: "The storage is not used."),
    PropertyRule("shared", .boolean, description: "All nodes see the same content."),
    PropertyRule("format", .text(maxLength: 64), description: "The format of new images."),
    PropertyRule(
      "preallocation", .text(), allowed: ["off", "metadata", "falloc", "full"],
      description: "How much of a new raw or qcow2 image is allocated at once; for raw, metadata means off."),
    PropertyRule("bwlimit", .bandwidth, description: "Limits on moving data, in KiB/s."),
    PropertyRule("prune-backups", .retention, description: "Which backups are kept."),
    PropertyRule(
      "maxfiles", .integer(minimum: 0), description: "Old form of prune-backups: how many are kept, 0 for all."),
    PropertyRule(
      "max-protected-backups", .integer(minimum: -1), description: "Protected backups per guest, -1 for any number."),
    PropertyRule("content-dirs", .contentDirectories, description: "Directories that differ from the usual ones."),
    PropertyRule("subdir", .path, description: "The directory of the remote filesystem to mount."),
    PropertyRule("mkdir", .boolean, description: "Make the storage's directories when missing (old option)."),
    PropertyRule("create-base-path", .boolean, description: "Make the storage's path when missing."),
    PropertyRule(
      "create-subdirs", .boolean, description: "Make the storage's directories below its path when missing."),
    PropertyRule("is_mountpoint", .mountPoint, description: "The path must be a mount point: yes, no, or which path."),
    PropertyRule(
      "snapshot-as-volume-chain", .boolean, isFixed: true,
      description: "Snapshots are volumes that stand on each other."),
    PropertyRule("options", .mountOptions, description: "Options of the mount."),
    PropertyRule("port", .integer(minimum: 1, maximum: 65535), description: "The port of the server."),
  ]
}
