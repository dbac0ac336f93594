// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How many backups to keep; all absent or 0 keeps all.
public struct KeepOptions: JSONCodable, Sendable, Hashable {
  /// The newest n.
  public var last: Int?
  /// One for each of n hours.
  public var hourly: Int?
  /// One for each of n days.
  public var daily: Int?
  /// One for each of n ISO weeks.
  public var weekly: Int?
  /// One for each of n months.
  public var monthly: Int?
  /// One for each of n years.
  public var yearly: Int?
  /// Keep everything.
  public var all: Bool?

  public init(
    last: Int? = nil, hourly: Int? = nil, daily: Int? = nil, weekly: Int? = nil, monthly: Int? = nil,
    yearly: Int? = nil, all: Bool? = nil
  ) {
    self.last = last
    self.hourly = hourly
    self.daily = daily
    self.weekly = weekly
    self.monthly = monthly
    self.yearly = yearly
    self.all = all
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.last = try object.optionalInteger("last", 0...1_000_000, at: path)
    self.hourly = try object.optionalInteger("hourly", 0...1_000_000, at: path)
    self.daily = try object.optionalInteger("daily", 0...1_000_000, at: path)
    self.weekly = try object.optionalInteger("weekly", 0...1_000_000, at: path)
    self.monthly = try object.optionalInteger("monthly", 0...1_000_000, at: path)
    self.yearly = try object.optionalInteger("yearly", 0...1_000_000, at: path)
    self.all = try object.optional("all", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(7)
    if let last { object.appendNew("last", .int(Int64(last))) }
    if let hourly { object.appendNew("hourly", .int(Int64(hourly))) }
    if let daily { object.appendNew("daily", .int(Int64(daily))) }
    if let weekly { object.appendNew("weekly", .int(Int64(weekly))) }
    if let monthly { object.appendNew("monthly", .int(Int64(monthly))) }
    if let yearly { object.appendNew("yearly", .int(Int64(yearly))) }
    if let all { object.appendNew("all", .bool(all)) }
    return .object(object)
  }
}
