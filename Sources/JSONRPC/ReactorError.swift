// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A system call of the I/O thread that failed.
public struct ReactorError: Error, Sendable, Hashable {
  /// What was being done.
  public var operation: String
  /// The system's error number; 0 when the reactor has been shut down.
  public var errno: Int32

  public init(_ operation: String, errno: Int32) {
    self.operation = operation
    self.errno = errno
  }
}

extension ReactorError: CustomStringConvertible {
  public var description: String {
    errno == 0 ? "\(operation): the I/O thread has been shut down" : "\(operation): \(SystemError.text(errno))"
  }
}

/// Error numbers in words.
enum SystemError {
  static func text(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
        return "error \(number)"
      }
      return "\(String(cString: start)) (\(number))"
    }
  }
}
