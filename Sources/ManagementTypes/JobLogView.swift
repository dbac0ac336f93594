// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A line of a job's log.
public struct JobLogView: JSONCodable, Sendable, Hashable {
  /// Counts from 0 and only grows; gaps are lines dropped to keep the log bounded.
  public var seq: Int64
  /// When it was written, in milliseconds since the epoch.
  public var time: Int64
  /// `debug`, `info`, `notice`, `warning` or `error`.
  public var level: String
  /// The line.
  public var message: String

  public init(seq: Int64, time: Int64, level: String, message: String) {
    self.seq = seq
    self.time = time
    self.level = level
    self.message = message
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    seq = try members.required("seq", at: path)
    time = try members.required("time", at: path)
    level = try members.required("level", at: path)
    message = try members.required("message", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("seq", seq)
    members.set("time", time)
    members.set("level", level)
    members.set("message", message)
    return .object(members)
  }
}
