// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Who wants a lock, for what, for how long.
public struct LockRequest: Sendable {
  /// Decides about a holder whose time is spent; see ``HolderFate``.
  public typealias Reclaim = @Sendable (Lease) async -> HolderFate

  public var name: LockName
  /// Who asks, in words an administrator knows: a user, a job id, a plugin.
  public var owner: String
  /// What for: the method or command.
  public var operation: String
  /// How long the lease may be held without renewal.
  public var ttl: Duration
  /// How long to wait in the queue; zero asks once and fails at once if the lock is held.
  public var timeout: Duration
  /// Called once when the holder's time is spent; `nil` leaves the decision to the service's own handler.
  public var reclaim: Reclaim?

  public init(
    _ name: LockName, owner: String, operation: String, ttl: Duration = .seconds(60),
    timeout: Duration = .seconds(60), reclaim: Reclaim? = nil
  ) {
    self.name = name
    self.owner = owner
    self.operation = operation
    self.ttl = ttl
    self.timeout = timeout
    self.reclaim = reclaim
  }
}
