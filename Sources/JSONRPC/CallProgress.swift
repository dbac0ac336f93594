// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A sign of life from the other side about one call in flight.
public enum CallProgress: Sendable, Hashable {
  /// Nothing to tell but that the work goes on.
  case heartbeat
  case report(ProgressReport)
}

/// How far a call has come; `$/progress` on the wire. Reports of one call never go back.
public struct ProgressReport: Sendable, Hashable {
  /// What is being done, a word or two ("copy", "verify").
  public var phase: String?
  /// How much is done, in `unit`.
  public var done: Int64
  /// How much there is to do, when that is known, in `unit`.
  public var total: Int64?
  /// "bytes", "volumes", …
  public var unit: String?
  /// A line for people.
  public var message: String?

  public init(done: Int64, total: Int64? = nil, unit: String? = nil, phase: String? = nil, message: String? = nil) {
    self.done = done
    self.total = total
    self.unit = unit
    self.phase = phase
    self.message = message
  }
}

extension ProgressReport: JSONDecodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    done = try members.required("done", at: path)
    total = try members.optional("total", at: path)
    unit = try members.optional("unit", at: path)
    phase = try members.optional("phase", at: path)
    message = try members.optional("message", at: path)
    guard done >= 0 else { throw .invalid("must not be negative", at: path.appending("done")) }
    if let total, total < 0 { throw .invalid("must not be negative", at: path.appending("total")) }
  }

  /// The report as params of `$/progress`.
  func params(id: Int64, sequence: Int64) -> JSON {
    var members = JSONObject()
    members.set("id", id)
    members.set("seq", sequence)
    members.setOptional("phase", phase)
    members.set("done", done)
    members.setOptional("total", total)
    members.setOptional("unit", unit)
    members.setOptional("message", message)
    return .object(members)
  }
}
