// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file descriptor with one owner: closed when the last reference goes, never twice.
final class Descriptor: Sendable {
  let raw: Int32

  init(_ raw: Int32) { self.raw = raw }

  deinit { close(raw) }

  /// Opens a path; nil (with errno set) when the system refuses.
  static func open(_ path: String, _ flags: Int32) -> Descriptor? {
    let fd = Glibc.open(path, flags | O_CLOEXEC)
    return fd < 0 ? nil : Descriptor(fd)
  }
}
