// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import JSONRPC

extension StorageError {
  /// What a failed call means: the other side's error as it sent it, or the connection's own.
  ///
  /// Where nobody said what became of the work, the outcome is `unknown`, or `not_started` when it is certain that the
  /// request was never seen.
  public init(_ error: RPCError) {
    self.init(
      code: Code(rawValue: error.code.rawValue), message: error.message, data: error.data?.objectValue ?? [:])
    if !error.mayHaveRun { outcome = .notStarted }
  }
}

extension RPCError {
  /// The failure as an answer to a request.
  public init(_ error: StorageError) {
    self.init(Code(rawValue: error.code.rawValue), error.message, data: .object(error.data))
  }
}
