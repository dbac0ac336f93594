// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import BerthClient
internal import CShims
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// A file that appears only when complete, or standard output.
final class ByteTarget: Sendable {
  /// Where the bytes go.
  let fd: Int32
  private let path: String
  /// The name while it is incomplete; nil for standard output and for what is no ordinary file (a pipe, a device).
  private let partial: String?
  private let pool = NIOThreadPool(numberOfThreads: 1)

  init(_ path: String) throws(ClientError) {
    self.path = path
    if path == "-" {
      fd = STDOUT_FILENO
      partial = nil
    } else {
      var info = stat()
      let isSpecial = stat(path, &info) == 0 && info.st_mode & S_IFMT != S_IFREG
      partial = isSpecial ? nil : path + ".partial"
      // Images are private to their owner unless he says otherwise.
      fd = open(partial ?? path, O_WRONLY | O_CLOEXEC | (isSpecial ? 0 : O_CREAT | O_TRUNC), 0o600)
      guard fd >= 0 else {
        throw ClientError(
          .local, "cannot write the file: \(String(cString: strerror(errno)))", place: partial ?? path,
          hint: "name a file in a directory you may write to")
      }
    }
    pool.start()
  }

  /// Appends a part.
  func write(_ part: ByteBuffer) async throws {
    let fd = fd
    let path = path
    try await pool.runIfActive {
      try part.withUnsafeReadableBytes { buffer in
        var offset = 0
        while offset < buffer.count {
          let count = berth_write(fd, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
          guard count > 0 else {
            throw Self.failure("cannot write", Int32(-count), path)
          }
          offset += count
        }
      }
    }
  }

  /// Makes it durable and gives it its name.
  func finish() async throws {
    guard let partial else { return }
    let fd = fd
    let path = path
    try await pool.runIfActive {
      guard fsync(fd) == 0, close(fd) == 0, rename(partial, path) == 0, Self.syncDirectory(of: path) else {
        throw Self.failure("cannot complete the file", errno, path)
      }
    }
  }

  /// Makes the file's new name durable.
  private static func syncDirectory(of path: String) -> Bool {
    let end = path.lastIndex(of: "/")
    let parent = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return false }
    defer { close(directory) }
    // File systems that cannot sync a directory (FUSE, some network ones) say so; there is no more to be had there.
    return fsync(directory) == 0 || errno == EINVAL || errno == ENOSYS
  }

  private static func failure(_ what: String, _ code: Int32, _ path: String) -> ClientError {
    let isFull = code == ENOSPC || code == EDQUOT
    return ClientError(
      isFull ? .noSpace : .local, "\(what): \(String(cString: strerror(code)))", place: path,
      hint: isFull ? "free space there or write elsewhere" : "")
  }

  /// Removes what was written.
  func discard() {
    if let partial { unlink(partial) }
  }
}
