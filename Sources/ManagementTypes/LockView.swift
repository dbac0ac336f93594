// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A lock someone holds, with those who wait for it.
public struct LockView: JSONCodable, Sendable, Hashable {
  /// Its name.
  public var name: String
  /// Who holds it.
  public var holder: String
  /// The fencing token of the holder's lease.
  public var token: Int64
  /// How long it is held, in milliseconds.
  public var heldMs: Int64
  /// How long the lease still runs, in milliseconds.
  public var remainingMs: Int64?
  /// Who waits, in order.
  public var waiters: [String]

  public init(
    name: String, holder: String, token: Int64, heldMs: Int64, remainingMs: Int64? = nil, waiters: [String] = []
  ) {
    self.name = name
    self.holder = holder
    self.token = token
    self.heldMs = heldMs
    self.remainingMs = remainingMs
    self.waiters = waiters
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    name = try members.required("name", at: path)
    holder = try members.required("holder", at: path)
    token = try members.required("token", at: path)
    heldMs = try members.required("heldMs", at: path)
    remainingMs = try members.optional("remainingMs", at: path)
    waiters = try members.optional("waiters", at: path, default: [])
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("name", name)
    members.set("holder", holder)
    members.set("token", token)
    members.set("heldMs", heldMs)
    members.setOptional("remainingMs", remainingMs)
    members.set("waiters", waiters)
    return .object(members)
  }
}
