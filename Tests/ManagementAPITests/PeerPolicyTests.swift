// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ManagementAPI

@Suite("Who may")
struct PeerPolicyTests {
  @Test func rootTheDaemonAndTheGroupMay() {
    let policy = PeerPolicy(uids: [0, 500], gid: 50, group: "berth")
    #expect(policy.allows(Peer(uid: 0, gid: 9, pid: 1)))
    #expect(policy.allows(Peer(uid: 500, gid: 9, pid: 1)))
    #expect(policy.allows(Peer(uid: 1, gid: 50, pid: 1)))
    #expect(policy.allows(Peer(uid: 1, gid: 9, groups: [8, 50], pid: 1)))
    #expect(!policy.allows(Peer(uid: 1, gid: 9, groups: [8, 51], pid: 1)))
    #expect(!PeerPolicy(uids: [0], gid: nil, group: "berth").allows(Peer(uid: 1, gid: 0, groups: [0], pid: 1)))
  }
}
