// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore

extension ClientError {
  /// Turns what the transport says into what a user can act on.
  static func connecting(_ error: any Error, socket: String) -> ClientError {
    if let error = error as? ClientError { return error }
    switch (error as? IOError)?.errnoCode {
    case ENOENT:
      return ClientError(
        .notRunning, "berthd is not running: there is no socket", place: socket,
        hint: "start berthd (`systemctl start berthd`, in a checkout `scripts/run`), or name its socket with --socket")
    case ECONNREFUSED:
      return ClientError(
        .notRunning, "berthd is not running: its socket is there but nobody listens", place: socket,
        hint: "start berthd (`systemctl start berthd`, in a checkout `scripts/run`)")
    case EACCES, EPERM:
      return ClientError(
        .forbidden, "you may not use berthd's socket", place: socket,
        hint: "run this as root, or have yourself added to the group berth and log in again")
    case ENAMETOOLONG, EINVAL:
      return ClientError(
        .notRunning, "this cannot be the path of a socket", place: socket, hint: "at most 107 bytes are possible")
    case ENOTSOCK:
      return ClientError(.notRunning, "this is no socket", place: socket, hint: "name berthd's socket with --socket")
    default: break
    }
    if let error = error as? HTTPClientError, error == .connectTimeout {
      return ClientError(
        .notRunning, "berthd does not accept connections", place: socket,
        hint: "it may be overloaded or stopped: look at its log")
    }
    return ClientError(
      .broken, "the connection broke before an answer came: \(error)", place: socket,
      hint: "what was asked for may have been done: look with `berth job list` before you ask again")
  }
}
