// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import Synchronization

/// A client's descriptor while a transfer uses it; closed with the last reference.
final class LentDescriptor: Sendable {
  private struct State {
    var isTakenBack = false
    var whenTakenBack: @Sendable () -> Void = {}
  }

  let raw: Int32
  /// Who lent it.
  let uid: UInt32
  private let state = Mutex(State())

  /// Takes over the descriptor.
  init(_ raw: Int32, uid: UInt32) {
    self.raw = raw
    self.uid = uid
  }

  deinit { close(raw) }

  /// Runs the body when the client takes the descriptor back, at once when it has done so.
  func whenTakenBack(_ body: @escaping @Sendable () -> Void) {
    let isTakenBack = state.withLock { state in
      state.whenTakenBack = body
      return state.isTakenBack
    }
    if isTakenBack { body() }
  }

  /// The client has taken it back.
  func takeBack() {
    let body = state.withLock { state in
      state.isTakenBack = true
      return state.whenTakenBack
    }
    body()
  }

  /// Why the daemon, which may write where its client may not, does not move bytes through this one; nil when it does.
  ///
  /// What the kernel judges anew at each write by who writes (files of `/proc` and `/sys`, control sockets, devices) is
  /// refused: pipes, stream sockets and files on disks were judged when they were opened.
  static func objection(to raw: Int32) -> String? {
    var info = stat()
    guard fstat(raw, &info) == 0 else { return "it cannot be looked at: \(text(errno))" }
    switch info.st_mode & S_IFMT {
    case S_IFIFO: return nil
    case S_IFREG: return isOnDisk(raw) ? nil : "it is a file that the kernel makes up"
    case S_IFSOCK: return isStream(raw) ? nil : "it is a socket without a stream of bytes"
    case S_IFCHR: return info.st_rdev == nullDevice ? nil : "it is a device"
    case S_IFBLK: return "it is a device"
    default: return "it is neither a file nor a pipe nor a socket"
    }
  }

  /// `/dev/null`: major 1, minor 3, as makedev(3) puts them together.
  private static let nullDevice: dev_t = 1 << 8 | 3

  /// File systems of the kernel's own making, by statfs(2)'s `f_type` in <linux/magic.h>: proc, sysfs, cgroup, cgroup2,
  /// debugfs, tracefs, securityfs, configfs, selinuxfs, smackfs, efivarfs, bpf, binfmt_misc, pstore, resctrl, nsfs.
  private static let madeUp: Set<UInt32> = [
    0x9fa0, 0x6265_6572, 0x0027_e0eb, 0x6367_7270, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0x6265_6570, 0xf97c_ff8c,
    0x4341_5d53, 0xde5e_81e4, 0xcafe_4a11, 0x4249_4e4d, 0x6165_676c, 0x0765_5821, 0x6e73_6673,
  ]

  private static func isOnDisk(_ raw: Int32) -> Bool {
    var space = berth_space()
    return berth_statfs(raw, &space) == 0 && !madeUp.contains(UInt32(truncatingIfNeeded: space.type))
  }

  private static func isStream(_ raw: Int32) -> Bool {
    func option(_ name: Int32) -> Int32? {
      var value: Int32 = -1
      var size = socklen_t(MemoryLayout<Int32>.size)
      return getsockopt(raw, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
    guard let domain = option(SO_DOMAIN), [AF_UNIX, AF_INET, AF_INET6].contains(domain) else { return false }
    return option(SO_TYPE) == Int32(SOCK_STREAM.rawValue)
  }
}
