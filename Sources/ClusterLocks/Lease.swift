// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The right to act on one name, until released or until its time is spent.
public struct Lease: Sendable, Hashable {
  public let name: LockName
  /// Larger than any token granted before, on any name, by any earlier run of the service.
  public let token: FencingToken
  /// How long the holder may take, counted from the grant or the last renewal.
  public let ttl: Duration

  public init(name: LockName, token: FencingToken, ttl: Duration) {
    self.name = name
    self.token = token
    self.ttl = ttl
  }
}
