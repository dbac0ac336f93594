// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc

/// A caller's descriptor while a relay uses it: borrowed, never blocking where it can be helped, put back as it was.
struct CallerDescriptor {
  let raw: Int32
  /// Regular files and block devices are always ready; waiting for them is left out.
  let isPollable: Bool
  private let isSocket: Bool
  private let flags: Int32

  init(_ raw: Int32) {
    self.raw = raw
    var status = stat()
    let kind = fstat(raw, &status) == 0 ? status.st_mode & S_IFMT : 0
    isPollable = kind != S_IFREG && kind != S_IFBLK && kind != S_IFDIR
    isSocket = kind == S_IFSOCK
    flags = fcntl(raw, F_GETFL)
    if isPollable, flags >= 0, flags & O_NONBLOCK == 0 { _ = fcntl(raw, F_SETFL, flags | O_NONBLOCK) }
  }

  /// Puts the descriptor's flags back.
  func restore() {
    if isPollable, flags >= 0, flags & O_NONBLOCK == 0 { _ = fcntl(raw, F_SETFL, flags) }
  }

  /// Bytes written, or -errno.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    if isSocket { return berth_relay_send(raw, bytes.baseAddress, bytes.count) }
    let written = Glibc.write(raw, bytes.baseAddress, bytes.count)
    return written < 0 ? -Int(errno) : written
  }

  /// Bytes read, 0 at the end, or -errno.
  func read(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = Glibc.read(raw, buffer.baseAddress, buffer.count)
    return count < 0 ? -Int(errno) : count
  }
}
