// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON

/// Writes to standard output; ends the program quietly when its reader has gone, as in `berth volume list x | head`.
enum Output {
  /// Whether standard output is a terminal.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// A line for people.
  static func line(_ text: String = "") { write(Array(text.utf8) + [UInt8(ascii: "\n")]) }

  /// A document for programs, on one line when it is not a terminal that reads it.
  static func json(_ value: some JSONEncodable) {
    write(value.json().bytes(isTerminal ? .pretty : .compact) + [UInt8(ascii: "\n")])
  }

  /// Bytes as they are.
  static func write(_ bytes: [UInt8]) {
    if let code = writeAll(bytes, to: STDOUT_FILENO) {
      if code == EPIPE { exit(0) }
      Failure.write("error: cannot write the output: \(String(cString: strerror(code)))\n")
      exit(ExitStatus.failed.rawValue)
    }
  }

  /// Writes everything; nil when done, else the errno.
  static func writeAll(_ bytes: [UInt8], to fd: Int32) -> Int32? {
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset < buffer.count {
        let count = Glibc.write(fd, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
        if count < 0 {
          let code = errno
          if code == EINTR { continue }
          return code
        }
        offset += count
      }
      return nil
    }
  }
}
