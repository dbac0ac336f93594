// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Who may use the API.
public struct PeerPolicy: Sendable, Hashable {
  /// Users that may: root and the daemon's own, as a rule.
  public var uids: Set<UInt32>
  /// The group whose members may; nil when there is none.
  public var gid: UInt32?
  /// That group's name, for messages.
  public var group: String

  public init(uids: Set<UInt32>, gid: UInt32?, group: String) {
    self.uids = uids
    self.gid = gid
    self.group = group
  }

  /// Whether the peer may use the API.
  public func allows(_ peer: Peer) -> Bool {
    if uids.contains(peer.uid) { return true }
    guard let gid else { return false }
    return peer.gid == gid || peer.groups.contains(gid)
  }
}
