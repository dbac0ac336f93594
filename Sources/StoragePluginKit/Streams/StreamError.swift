// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
public import StorageProtocol

/// A system call on a stream, or a thread for one, failed.
public struct StreamError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was tried.
  public var operation: String
  /// The system's error number; 0 when the stream ended too early.
  public var errno: Int32

  public init(operation: String, errno: Int32) {
    self.operation = operation
    self.errno = errno
  }

  public var description: String {
    errno == 0 ? operation : "\(operation): \(String(cString: strerror(errno)))"
  }

  /// The failure as the protocol speaks of it: NO_SPACE for a full disk, else STREAM_BROKEN.
  public var storageError: StorageError {
    let code: StorageError.Code = errno == ENOSPC ? .noSpace : errno == EDQUOT ? .quotaExceeded : .streamBroken
    return StorageError(code, description, outcome: .unknown)
  }
}
