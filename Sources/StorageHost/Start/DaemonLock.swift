// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
public import StorageProtocol
internal import Synchronization

/// One daemon per state directory: an flock(2) on `daemon.lock`, which holds the process id.
///
/// The kernel frees it when the process ends, however it ends. Blocks briefly: take it before anything else runs.
public final class DaemonLock: Sendable {
  private let descriptor: Mutex<Int32>

  /// Takes the lock.
  /// - Throws: `OVERLOADED`-free, plain `STORAGE_UNAVAILABLE` naming the process that holds it.
  public init(path: String) throws(StorageError) {
    let fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard fd >= 0 else {
      throw .refused(
        .storageUnavailable, "cannot open \(path): \(String(cString: strerror(errno)))",
        hint: "check the owner and mode of the state directory")
    }
    guard berth_flock(fd, 1) == 0 else {
      var bytes = [UInt8](repeating: 0, count: 32)
      let count = pread(fd, &bytes, bytes.count, 0)
      close(fd)
      let holder = String(decoding: bytes.prefix(max(0, count)).prefix { (0x30...0x39).contains($0) }, as: UTF8.self)
      throw .refused(
        .storageUnavailable,
        "the state directory of \(path) belongs to another running daemon, process \(holder.isEmpty ? "?" : holder)",
        hint: "stop that one first, or give this one a state directory of its own")
    }
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(fd, 0)
    _ = pwrite(fd, text, text.count, 0)
    descriptor = Mutex(fd)
  }

  /// Frees the lock.
  public func release() {
    descriptor.withLock { fd in
      if fd >= 0 { close(fd) }
      fd = -1
    }
  }

  deinit { release() }
}
