// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// What the set-up read from the kernel about itself right before it became the plugin.
///
/// A daemon without capabilities may look neither at another user's namespaces nor at its descriptors, and while the
/// plugin runs it cannot be told which descriptors it was given and which it opened.
struct SetUpReport: Sendable, Hashable {
  /// A descriptor that stays open in the plugin.
  struct Kept: Sendable, Hashable {
    var number: Int32
    /// `pipe`, `socket`, `directory`, …
    var kind: String
    var inode: UInt64
  }

  /// Inodes of the namespaces that the launcher was started in, by name; 0 for a kind that the kernel lacks.
  let outside: [String: UInt64]
  /// The same of the plugin's; empty when nothing was reported.
  let inside: [String: UInt64]
  /// The first few; ``keptCount`` counts them all.
  let kept: [Kept]
  let keptCount: Int

  static let names = ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user"]

  init(_ raw: bl_seen) {
    func byName(_ inodes: UnsafeRawBufferPointer) -> [String: UInt64] {
      Dictionary(zip(Self.names, inodes.bindMemory(to: UInt64.self)), uniquingKeysWith: { $1 })
    }
    outside = withUnsafeBytes(of: raw.outside, byName)
    // Without a report there are only zeros.
    inside = withUnsafeBytes(of: raw.inside, byName).filter { $0.value != 0 }
    keptCount = Int(raw.kept)
    kept = withUnsafeBytes(of: raw.descriptors) { bytes in
      bytes.bindMemory(to: bl_descriptor.self).prefix(Int(raw.kept)).map {
        Kept(number: $0.number, kind: Self.kind($0.mode), inode: $0.inode)
      }
    }
  }

  /// Whether that namespace is the launcher's or this process's own.
  func isShared(_ name: String, _ inode: UInt64) -> Bool {
    inode == outside[name] || inode == ObservedProcess.ownNamespaceInode(name)
  }

  private static func kind(_ mode: UInt32) -> String {
    switch mode & S_IFMT {
    case S_IFIFO: "pipe"
    case S_IFSOCK: "socket"
    case S_IFDIR: "directory"
    case S_IFREG: "file"
    case S_IFCHR, S_IFBLK: "device"
    default: "nameless object"
    }
  }
}
