// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// How far a job is.
public struct ProgressView: JSONCodable, Sendable, Hashable {
  /// What it does now.
  public var phase: String
  /// What is done of it, in units.
  public var done: Int64
  /// What there is to do; absent when nobody knows.
  public var total: Int64?
  /// What is counted, `bytes` as a rule.
  public var unit: String?
  /// More for people.
  public var message: String?

  public init(phase: String, done: Int64, total: Int64? = nil, unit: String? = nil, message: String? = nil) {
    self.phase = phase
    self.done = done
    self.total = total
    self.unit = unit
    self.message = message
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    phase = try members.required("phase", at: path)
    done = try members.required("done", at: path)
    total = try members.optional("total", at: path)
    unit = try members.optional("unit", at: path)
    message = try members.optional("message", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("phase", phase)
    members.set("done", done)
    members.setOptional("total", total)
    members.setOptional("unit", unit)
    members.setOptional("message", message)
    return .object(members)
  }
}
