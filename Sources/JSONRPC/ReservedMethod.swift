// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Notifications the connection itself sends and understands.
enum ReservedMethod {
  /// `{id, reason}`: the other side's request is to end; an answer is still due.
  static let cancel = "$/cancel"
  /// `{id, seq, phase?, done, total?, unit?, message?}`.
  static let progress = "$/progress"
  /// `{id}`: the work on that request goes on.
  static let heartbeat = "$/heartbeat"
}
