// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// How a storage is, as last sampled.
public struct StatusView: JSONCodable, Sendable, Hashable {
  /// Its id.
  public var storeid: String
  /// Its type.
  public var type: String
  /// False when it is disabled or not meant for this node.
  public var enabled: Bool
  /// Whether it answered its last sample and called itself active.
  public var active: Bool
  /// Whether nothing is known yet: its first sample is under way.
  public var sampling: Bool
  /// Its size in bytes.
  public var total: Int64?
  /// What is taken, in bytes.
  public var used: Int64?
  /// What is free, in bytes.
  public var available: Int64?
  /// How old these figures are, in milliseconds.
  public var ageMs: Int64?
  /// What the plugin's process does: `stopped`, `starting`, `ready`, `backoff`, `quarantined`, …
  public var process: String?
  /// Why the last sample failed.
  public var error: Problem?

  public init(
    storeid: String, type: String, enabled: Bool, active: Bool, sampling: Bool = false, total: Int64? = nil,
    used: Int64? = nil, available: Int64? = nil, ageMs: Int64? = nil, process: String? = nil, error: Problem? = nil
  ) {
    self.storeid = storeid
    self.type = type
    self.enabled = enabled
    self.active = active
    self.sampling = sampling
    self.total = total
    self.used = used
    self.available = available
    self.ageMs = ageMs
    self.process = process
    self.error = error
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    storeid = try members.required("storeid", at: path)
    type = try members.required("type", at: path)
    enabled = try members.required("enabled", at: path)
    active = try members.required("active", at: path)
    sampling = try members.optional("sampling", at: path, default: false)
    total = try members.optional("total", at: path)
    used = try members.optional("used", at: path)
    available = try members.optional("available", at: path)
    ageMs = try members.optional("ageMs", at: path)
    process = try members.optional("process", at: path)
    error = try members.optional("error", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("storeid", storeid)
    members.set("type", type)
    members.set("enabled", enabled)
    members.set("active", active)
    if sampling { members.set("sampling", sampling) }
    members.setOptional("total", total)
    members.setOptional("used", used)
    members.setOptional("available", available)
    members.setOptional("ageMs", ageMs)
    members.setOptional("process", process)
    members.setOptional("error", error)
    return .object(members)
  }
}
