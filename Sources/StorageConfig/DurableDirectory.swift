// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

private import CShims
internal import Glibc

/// A directory whose files are whole or absent after any crash. Blocking: use it on a ``DiskQueue``.
final class DurableDirectory: Sendable {
  let path: String
  private let fd: CInt

  /// Opens the directory, making it when it is missing.
  init(_ path: String, mode: UInt32) throws(ConfigError) {
    self.path = path
    var step: UnsafePointer<CChar>?
    fd = path.withCString { berth_durable_open_directory($0, mode, &step) }
    guard fd >= 0 else { throw Self.error(Self.text(step) ?? "open", "directory \(path)", -fd) }
  }

  deinit { _ = berth_durable_close(fd) }

  /// Whether others than the owner may look into the directory.
  func restrict(to mode: UInt32) throws(ConfigError) {
    var status = stat()
    guard fstat(fd, &status) == 0 else { throw Self.error("look at", "directory \(path)", errno) }
    if status.st_mode & 0o777 & ~mode != 0, fchmod(fd, mode) != 0 {
      throw Self.error("set the mode of", "directory \(path)", errno)
    }
  }

  /// The content of a file; `nil` when there is none.
  ///
  /// - Parameter limit: more bytes than this are refused.
  func read(_ name: String, limit: Int) throws(ConfigError) -> [UInt8]? {
    var capacity = 16 * 1024
    while true {
      var buffer = [UInt8](repeating: 0, count: min(capacity, limit + 1))
      let count = berth_durable_read(fd, name, &buffer, buffer.count)
      if count == -Int(ENOENT) { return nil }
      guard count >= 0 else { throw Self.error("read", "\(path)/\(name)", CInt(-count)) }
      if count < buffer.count { return Array(buffer[..<count]) }
      guard count <= limit else {
        throw ConfigError(.io, "\(path)/\(name) has more than \(limit) bytes and is not read")
      }
      capacity *= 8
    }
  }

  /// Replaces a file: old or new after any crash, new and durable when this returns.
  func replace(_ name: String, _ bytes: [UInt8], mode: UInt32) throws(ConfigError) {
    var step: UnsafePointer<CChar>?
    let result = berth_durable_replace(fd, name, bytes, bytes.count, mode, &step)
    guard result >= 0 else { throw Self.error(Self.text(step) ?? "write", "\(path)/\(name)", -result) }
  }

  /// Gives a file another name, in the place of what has that name; old or new after any crash.
  func rename(_ name: String, to other: String) throws(ConfigError) {
    guard renameat(fd, name, fd, other) == 0 else { throw Self.error("rename", "\(path)/\(name)", errno) }
    guard fsync(fd) == 0 else { throw Self.error("sync directory of", "\(path)/\(other)", errno) }
  }

  /// Removes a file, durably; one that is not there is no error.
  func remove(_ name: String) throws(ConfigError) {
    let result = berth_durable_remove(fd, name)
    guard result >= 0 else { throw Self.error("remove", "\(path)/\(name)", -result) }
  }

  /// The names in the directory, sorted.
  func names() throws(ConfigError) -> [String] {
    guard let stream = opendir(path) else { throw Self.error("list", "directory \(path)", errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes what replacements left behind whose process was killed: `.NAME.PID.N.tmp` of processes that are gone.
  func removeLeftovers() throws(ConfigError) {
    for name in try names() where name.hasPrefix(".") && name.hasSuffix(".tmp") {
      let parts = name.split(separator: ".")
      guard parts.count >= 4, let pid = pid_t(parts[parts.count - 3]), kill(pid, 0) != 0, errno == ESRCH else {
        continue
      }
      try remove(name)
    }
  }

  /// Takes the lock a file of the directory stands for, waiting at most so long, and writes into it who holds it.
  func lock(_ name: String, owner: String, waitMs: Int) throws(ConfigError) -> FileLock {
    let held = berth_durable_lock(fd, name, 0o600, CInt(clamping: waitMs))
    guard held >= 0 else {
      if held == -EWOULDBLOCK {
        var holder = "another process"
        if let note = try read(name, limit: 4096), !note.isEmpty {
          holder = quoted(String(decoding: note.prefix { $0 != 0x0a }, as: UTF8.self))
        }
        throw ConfigError(
          .locked, "the configuration lock \(path)/\(name) is held by \(holder)", hint: "try again when it is done")
      }
      throw Self.error("lock", "\(path)/\(name)", -held)
    }
    let line = Array("pid \(getpid()): \(owner)\n".utf8)
    _ = berth_durable_note(held, line, line.count)
    return FileLock(fd: held)
  }

  private static func text(_ step: UnsafePointer<CChar>?) -> String? { step.map { String(cString: $0) } }

  private static func error(_ step: String, _ what: String, _ errno: CInt) -> ConfigError {
    ConfigError(
      errno == ENOSPC || errno == EDQUOT ? .noSpace : .io,
      "could not \(step) \(what): \(String(cString: strerror(errno)))",
      hint: errno == ENOSPC || errno == EDQUOT ? "make room and try again; nothing was changed" : nil)
  }
}

/// A held flock; letting go of it frees the lock.
final class FileLock: Sendable {
  private let fd: CInt

  fileprivate init(fd: CInt) {
    self.fd = fd
  }

  deinit {
    // Nobody holds it now: the note must not say so.
    _ = berth_durable_note(fd, nil, 0)
    _ = berth_durable_close(fd)
  }
}
