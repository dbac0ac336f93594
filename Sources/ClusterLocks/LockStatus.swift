// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// One lock as an administrator sees it: who holds it, who waits for it.
public struct LockStatus: Sendable, Hashable {
  public enum State: Sendable, Hashable {
    case held
    /// The holder's time is spent; it is being stopped.
    case reclaiming
    /// The holder's time is spent and it cannot be stopped; the reason says why.
    case heldByUnkillable(reason: String)

    /// `held`, `reclaiming` or `held-by-unkillable`.
    public var name: String {
      switch self {
      case .held: "held"
      case .reclaiming: "reclaiming"
      case .heldByUnkillable: "held-by-unkillable"
      }
    }
  }

  public struct Holder: Sendable, Hashable {
    public var owner: String
    public var operation: String
    public var token: FencingToken
    /// When the lease was granted, in milliseconds since the epoch.
    public var sinceMs: Int64
    /// How long it has been held, whatever the wall clock did meanwhile.
    public var held: Duration
    public var ttl: Duration
    /// Negative when overdue.
    public var remaining: Duration
    public var state: State
  }

  public struct Waiter: Sendable, Hashable {
    public var owner: String
    public var operation: String
    /// When it joined the queue, in milliseconds since the epoch.
    public var sinceMs: Int64
    /// Until it gives up.
    public var remaining: Duration
  }

  public var name: LockName
  /// `nil` only while the service waits for fencing tokens to become durable.
  public var holder: Holder?
  /// In the order in which they will be served.
  public var waiters: [Waiter]
}
