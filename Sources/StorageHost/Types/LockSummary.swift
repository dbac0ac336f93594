// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ClusterLocks
public import JSON

/// One lock: who holds it, who waits.
public struct LockSummary: Sendable, Hashable, JSONEncodable {
  /// One holder or waiter.
  public struct Party: Sendable, Hashable, JSONEncodable {
    public var owner: String
    public var operation: String
    /// Milliseconds since the epoch.
    public var since: Int64
    /// How long it has been held in milliseconds, measured; nil for a waiter.
    public var heldMs: Int64?
    /// Milliseconds until its time is spent; negative when overdue.
    public var remainingMs: Int64
    /// The holder's fencing token.
    public var token: UInt64?
    /// `held`, `reclaiming` or `held-by-unkillable`.
    public var state: String?

    public func json() -> JSON {
      var object = JSONObject()
      object.set("owner", owner)
      object.set("operation", operation)
      object.set("since", since)
      object.setOptional("heldMs", heldMs)
      object.set("remainingMs", remainingMs)
      object.setOptional("token", token.map { Int64(clamping: $0) })
      object.setOptional("state", state)
      return .object(object)
    }
  }

  public var name: String
  public var holder: Party?
  /// In the order in which they will be served.
  public var waiters: [Party]

  init(_ status: LockStatus) {
    func milliseconds(_ duration: Duration) -> Int64 { Int64(duration / .milliseconds(1)) }
    name = status.name.description
    holder = status.holder.map { holder in
      Party(
        owner: holder.owner, operation: holder.operation, since: holder.sinceMs,
        heldMs: milliseconds(holder.held), remainingMs: milliseconds(holder.remaining), token: holder.token.rawValue,
        state: holder.state.name)
    }
    waiters = status.waiters.map { waiter in
      Party(
        owner: waiter.owner, operation: waiter.operation, since: waiter.sinceMs,
        remainingMs: milliseconds(waiter.remaining))
    }
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.set("name", name)
    object["holder"] = holder?.json()
    object.set("waiters", waiters)
    return .object(object)
  }
}
