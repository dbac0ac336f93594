// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// A file system of a few megabytes that is soon full.
struct SmallDisk {
  let path: String
  private var filler: String { path + "/.filler" }

  init(_ path: String, bytes: Int) async throws {
    self.path = path
    mkdir(path, 0o755)
    try await Program.tool("mount", "-t", "tmpfs", "-o", "size=\(bytes),mode=0755", "tmpfs", path)
  }

  /// Takes all room there is.
  func fill() {
    let fd = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { close(fd) }
    let block = [UInt8](repeating: 0x61, count: 4_096)
    while write(fd, block, block.count) > 0 {}
  }

  func empty() { unlink(filler) }

  func unmount() { umount2(path, Int32(MNT_DETACH)) }
}
