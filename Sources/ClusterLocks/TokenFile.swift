// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

private import CShims
private import Glibc

/// The bound of the tokens that may have been handed out, on the disk: `tokens` in the service's directory.
///
/// The file holds one line, `berth-fencing-tokens 1 BOUND CHECK`, where CHECK is BOUND exclusive-or a constant in
/// hexadecimal: enough to tell a damaged file from a whole one. It is only ever replaced as a whole. Blocking.
final class TokenFile: Sendable {
  /// How many tokens one write makes available.
  static let step: UInt64 = 1 << 20

  private static let check: UInt64 = 0x4265_7274_6854_6f6b
  private static let name = "tokens"

  private let directory: String
  /// Open for the service's life: the lock on it keeps a second service away.
  private let lock: CInt
  private let directoryFD: CInt

  /// - Throws: `IN_USE` when another service holds the directory, `TOKENS_UNAVAILABLE` when it cannot be used.
  init(directory: String) throws(LockError) {
    self.directory = directory
    var step: UnsafePointer<CChar>?
    let opened = directory.withCString { berth_durable_open_directory($0, 0o700, &step) }
    guard opened >= 0 else { throw Self.unavailable(directory, step, -opened) }
    let held = berth_durable_lock(opened, "lock", 0o600, 0)
    guard held >= 0 else {
      _ = berth_durable_close(opened)
      if held == -EWOULDBLOCK {
        throw LockError(.inUse, "the lock directory \(directory) is in use by another running daemon")
      }
      throw Self.unavailable(directory, nil, -held)
    }
    directoryFD = opened
    lock = held
  }

  /// Lets another service have the directory; nothing may be written after this.
  func unlock() { _ = berth_funlock(lock) }

  deinit {
    _ = berth_durable_close(lock)
    _ = berth_durable_close(directoryFD)
  }

  /// The bound that was written last; 1 when there is no file yet.
  ///
  /// - Throws: `CORRUPT` when the file is damaged.
  func read() throws(LockError) -> UInt64 {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = berth_durable_read(directoryFD, Self.name, &buffer, buffer.count)
    if count == -Int(ENOENT) { return 1 }
    guard count >= 0 else { throw Self.unavailable("\(directory)/\(Self.name)", nil, CInt(-count)) }
    let words = String(decoding: buffer[..<min(count, buffer.count)], as: UTF8.self).split { $0 == " " || $0 == "\n" }
    guard words.count == 4, words[0] == "berth-fencing-tokens", words[1] == "1", let bound = UInt64(words[2]),
      let check = UInt64(words[3], radix: 16), check == bound ^ Self.check, bound > 0, bound < 1 << 63
    else {
      throw LockError(
        .corrupt,
        "the file of fencing tokens \(directory)/\(Self.name) is damaged; restore it from a backup, or write a bound "
          + "larger than any token a storage has seen")
    }
    return bound
  }

  /// Makes all tokens below a bound available: on the disk when this returns.
  func write(_ bound: UInt64) throws(LockError) {
    let line = Array("berth-fencing-tokens 1 \(bound) \(String(bound ^ Self.check, radix: 16))\n".utf8)
    var step: UnsafePointer<CChar>?
    let result = berth_durable_replace(directoryFD, Self.name, line, line.count, 0o600, &step)
    guard result >= 0 else { throw Self.unavailable("\(directory)/\(Self.name)", step, -result) }
  }

  private static func unavailable(_ path: String, _ step: UnsafePointer<CChar>?, _ errno: CInt) -> LockError {
    let what = step.map { "\(String(cString: $0)) " } ?? ""
    return LockError(
      .tokensUnavailable,
      "fencing tokens cannot be made durable: \(what)\(path): \(String(cString: strerror(errno))); no lock is granted "
        + "until this works")
  }
}
