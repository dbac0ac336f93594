// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The protocol's two descriptors, taken away from standard input and output.
struct StandardChannel {
  var reading: Int32
  var writing: Int32

  /// Moves the protocol to private descriptors that no child inherits; 0 then reads nothing, 1 goes where 2 goes.
  static func takeOver() throws(StreamError) -> StandardChannel {
    let reading = fcntl(0, F_DUPFD_CLOEXEC, 3)
    guard reading >= 0 else { throw StreamError(operation: "dup of standard input", errno: errno) }
    let writing = fcntl(1, F_DUPFD_CLOEXEC, 3)
    guard writing >= 0 else { throw StreamError(operation: "dup of standard output", errno: errno) }
    guard dup2(2, 1) >= 0 else { throw StreamError(operation: "dup2 of standard error", errno: errno) }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard nothing >= 0, dup2(nothing, 0) >= 0 else { throw StreamError(operation: "open of /dev/null", errno: errno) }
    close(nothing)
    return StandardChannel(reading: reading, writing: writing)
  }

  /// A line on standard error.
  static func complain(_ message: String) {
    var bytes = Array("plugin: \(message)\n".utf8)
    _ = write(2, &bytes, bytes.count)
  }
}
