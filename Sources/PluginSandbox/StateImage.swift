// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// The state of a plugin in one file of limited size: an ext4 file system, sparse, mounted as `/state` by the launcher.
///
/// Project quotas need a file system that was made for them; a file of fixed size works on any. Only the daemon ever
/// writes the file itself, so the kernel never mounts a superblock of a plugin's making.
public enum StateImage {
  /// The smallest that holds a journal and something besides.
  public static let smallest: UInt64 = 8 << 20

  /// Whether this host has what it takes: loop devices and `mkfs.ext4`.
  public static func isAvailable() -> Bool {
    // Not by /proc/devices or /dev: a daemon run by systemd is shown neither.
    mkfs() != nil && access("/sys/class/misc/loop-control", F_OK) == 0
  }

  /// Makes the image if there is none; makes a kept one bigger when the limit has grown (never smaller). Blocks.
  ///
  /// - Parameters:
  ///   - path: the file; its directory must be the daemon's own.
  ///   - size: in bytes; rounded up to ``smallest``.
  ///   - owner: the plugin's user and group id: its root directory belongs to it.
  ///   - content: a directory whose content it gets when it is new (the state of an earlier release).
  /// - Throws: ``SandboxError`` when the tools fail; nothing is left then.
  public static func prepare(
    _ path: String, size: UInt64, owner: UInt32, content: String? = nil
  ) throws(SandboxError) {
    let wanted = (max(size, smallest) + 0xFFFFF) & ~0xFFFFF
    var status = stat()
    if lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw SandboxError(.invalidPlan, "\(path) is no file", hint: "Move it away")
      }
      if UInt64(status.st_size) < wanted { try grow(path, to: wanted) }
      return
    }
    // Whole or not at all: made beside it and renamed.
    let new = path + ".new"
    unlink(new)
    let file = Glibc.open(new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0, ftruncate(file, off_t(wanted)) == 0 else {
      let number = errno
      if file >= 0 { close(file) }
      throw SandboxError(.systemFailure, "cannot make \(new)", errno: number)
    }
    defer { close(file) }
    guard let program = mkfs() else { throw missing }
    let options = "root_owner=\(owner):\(owner),lazy_itable_init=1,lazy_journal_init=1"
    let fill = content.map { ["-d", $0] } ?? []
    do throws(SandboxError) {
      try run([program, "-q", "-F", "-m", "0", "-O", "^resize_inode", "-J", "size=1", "-E", options] + fill + [new])
    } catch {
      unlink(new)
      throw error
    }
    guard fsync(file) == 0, rename(new, path) == 0 else {
      let number = errno
      unlink(new)
      throw SandboxError(.systemFailure, "cannot put \(path) in place", errno: number)
    }
  }

  /// The image for the launcher.
  static func open(_ path: String) throws(SandboxError) -> Int32 {
    let file = Glibc.open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { throw SandboxError(.systemFailure, "cannot open the state image \(path)", errno: errno) }
    return file
  }

  private static let missing = SandboxError(
    .systemFailure, "mkfs.ext4 is not installed", hint: "Install e2fsprogs")

  private static func grow(_ path: String, to size: UInt64) throws(SandboxError) {
    let file = try open(path)
    defer { close(file) }
    // A running instance holds the lock, through its loop device: it gets the room at its next start.
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return }
    guard ftruncate(file, off_t(size)) == 0 else {
      throw SandboxError(.systemFailure, "cannot enlarge \(path)", errno: errno)
    }
    guard let program = find("resize2fs"), let check = find("e2fsck") else { throw missing }
    // resize2fs wants a freshly checked file system; e2fsck exits with 1 when it mended something.
    try run([check, "-f", "-p", path], accepting: [0, 1])
    try run([program, path])
  }

  private static func mkfs() -> String? { find("mkfs.ext4") }

  private static func find(_ name: String) -> String? {
    ["/usr/sbin/\(name)", "/sbin/\(name)", "/usr/bin/\(name)"].first { access($0, X_OK) == 0 }
  }

  private static func run(_ arguments: [String], accepting: Set<Int32> = [0]) throws(SandboxError) {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    // resize2fs asks for none, mkfs for its configuration only; both say little.
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    let pid = berth_spawn(arguments[0], &pointers, &environment, -1, -1, -1, 0)
    guard pid > 0 else { throw SandboxError(.systemFailure, "cannot start \(arguments[0])", errno: -pid) }
    let watch = berth_pidfd_open(pid)
    defer { if watch >= 0 { close(watch) } }
    var end = berth_exit()
    guard berth_pidfd_wait(watch, &end) == 0, end.signal == 0, accepting.contains(end.code) else {
      let image = arguments.last ?? ""
      if isFull(image) {
        throw SandboxError(
          .systemFailure, "\(arguments[0]) found no room for \(image)", errno: ENOSPC,
          hint: "Make room on the file system of the daemon's state directory")
      }
      throw SandboxError(
        .systemFailure, "\(arguments[0]) failed with status \(end.code)", hint: "Run it on \(image) by hand")
    }
  }

  /// Whether there is less room beside the file than an empty file system takes. The tools tell of a full disk only in
  /// words.
  private static func isFull(_ path: String) -> Bool {
    var disk = statvfs()
    return statvfs(path, &disk) == 0 && UInt64(disk.f_bavail) * UInt64(disk.f_frsize) < 2 << 20
  }
}
