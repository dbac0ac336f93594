// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Who is at the other end of a connection, as the kernel saw it connect.
public struct Peer: Sendable, Hashable {
  /// Its user id.
  public var uid: UInt32
  /// Its group id.
  public var gid: UInt32
  /// Its supplementary group ids.
  public var groups: [UInt32]
  /// Its process id then.
  public var pid: Int32

  public init(uid: UInt32, gid: UInt32, groups: [UInt32] = [], pid: Int32) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
    self.pid = pid
  }

  /// How it is named in journals and logs.
  public var actor: String { uid == 0 ? "root" : "uid:\(uid)" }
}
