// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import StorageProtocol

/// One directory below a storage's path, read and changed by descriptors only: nothing a plugin or a guest puts there
/// (links, `..`, FIFOs) leads the host anywhere else or blocks it.
struct ContentDirectory: ~Copyable {
  /// Most names of one directory that are looked at.
  static let maximumNames = 200_000
  /// Longest notes, as the protocol has it.
  static let maximumNotes = 65_536

  private let descriptor: Int32
  private let path: String

  /// Opens `below`, a relative path, beneath `base`.
  /// - Returns: nil when it is not there.
  init?(base: String, below: String) throws(StorageError) {
    path = base + "/" + below
    let root = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else {
      if errno == ENOENT { return nil }
      throw Self.failure(base, errno)
    }
    defer { close(root) }
    let rules = BERTH_RESOLVE_BENEATH.rawValue | BERTH_RESOLVE_NO_SYMLINKS.rawValue
    let opened = berth_openat2(root, below, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0, rules)
    if opened == -ENOENT || opened == -ENOTDIR { return nil }
    guard opened >= 0 else { throw Self.failure(base + "/" + below, -opened) }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// A regular file's facts.
  struct File: Sendable, Hashable {
    /// Bytes.
    var size: Int64
    /// Bytes it takes.
    var used: Int64
    /// Seconds since the epoch.
    var ctime: Int64
  }

  /// All names but hidden ones, in the order of their bytes.
  func names() throws(StorageError) -> [String] {
    // A descriptor of its own: closedir takes it along, and the position of a shared one would be shared.
    let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else { throw Self.failure(path, errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      guard let name, !name.hasPrefix(".") else { continue }
      names.append(name)
      guard names.count <= Self.maximumNames else {
        throw .refused(
          .overloaded, "\(path) holds more than \(Self.maximumNames) entries", hint: "move some of them elsewhere")
      }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Nil for what is not there or no regular file; links are not followed.
  func file(_ name: String) -> File? {
    var info = stat()
    guard fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0, info.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    return File(size: Int64(info.st_size), used: Int64(info.st_blocks) * 512, ctime: max(0, Int64(info.st_ctim.tv_sec)))
  }

  /// The beginning of a small file; nil when it is not there.
  func text(_ name: String) -> String? {
    guard file(name) != nil else { return nil }
    let fd = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: Self.maximumNotes)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { read(fd, $0.baseAddress?.advanced(by: count), $0.count - count) }
      if got <= 0 { break }
      count += got
    }
    return String(decoding: bytes.prefix(count).filter { $0 != 0 }, as: UTF8.self)
  }

  /// Replaces a small file as a whole, durably: afterwards the old or the new content is there. It belongs to whoever
  /// the directory belongs to.
  func write(_ name: String, _ content: [UInt8]) throws(StorageError) {
    let temporary = ".berth-\(UInt64.random(in: 0...UInt64.max)).note"
    let fd = openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o640)
    guard fd >= 0 else { throw Self.failure(path, errno) }
    defer { close(fd) }
    var owner = stat()
    var isDone = fstat(descriptor, &owner) == 0 && fchown(fd, owner.st_uid, owner.st_gid) == 0
    var count = 0
    while isDone, count < content.count {
      let put = content.withUnsafeBytes { Glibc.write(fd, $0.baseAddress?.advanced(by: count), $0.count - count) }
      if put > 0 { count += put } else { isDone = false }
    }
    guard isDone, fsync(fd) == 0, renameat(descriptor, temporary, descriptor, name) == 0 else {
      let number = errno
      unlinkat(descriptor, temporary, 0)
      throw Self.failure("\(path)/\(name)", number)
    }
    guard fsync(descriptor) == 0 else { throw Self.failure(path, errno, outcome: .unknown) }
  }

  /// Removes a file; one that is not there is fine.
  func remove(_ name: String) throws(StorageError) {
    guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else { throw Self.failure("\(path)/\(name)", errno) }
    guard fsync(descriptor) == 0 else { throw Self.failure(path, errno, outcome: .unknown) }
  }

  private static func failure(_ path: String, _ number: Int32, outcome: Outcome = .notStarted) -> StorageError {
    let code: StorageError.Code =
      switch number {
      case ENOSPC: .noSpace
      case EDQUOT: .quotaExceeded
      case EROFS: .readOnly
      case EACCES, EPERM: .permissionDenied
      case ELOOP, EXDEV: .configInvalid
      default: .storageUnavailable
      }
    let hint =
      code == .configInvalid
      ? "the host follows no symbolic links below a storage's path: set content-dirs, or mount the place there" : nil
    return .make(code, "\(path): \(String(cString: strerror(number)))", outcome: outcome, hint: hint)
  }
}
