// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A request from the other side, to be answered once by the handler's return or throw.
public struct IncomingRequest: Sendable {
  public var id: Int64
  public var method: String
  /// An object or an array; an empty object when the request had none.
  public var params: JSON
  /// Bytes of the message it came in.
  let size: Int
  let reporter: ProgressReporter

  /// Tells the caller how far the work is. Reports that go back, come too often (over 5 a second) or after the answer
  /// are not sent.
  public func report(_ progress: ProgressReport) { reporter.report(progress) }

  /// Tells the caller that the work goes on; long-running methods owe a sign every 15 s.
  public func heartbeat() { reporter.heartbeat() }
}
