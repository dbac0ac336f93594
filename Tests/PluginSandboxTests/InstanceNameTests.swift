// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PluginSandbox

@Suite struct InstanceNameTests {
  @Test(arguments: [1, 30, 40, 41, 49, 50, 64, 100, 1000]) func everyLengthGivesANameThatTheLauncherTakes(
    _ length: Int
  ) throws {
    let name = String(repeating: "a.b-c_", count: length / 6 + 1).prefix(length)
    for (uid, count) in [(UInt32(600_000), UInt64(1)), (.max, .max)] {
      let unique = try InstanceName.unique(String(name), uid: uid, count)
      #expect(unique.utf8.count <= InstanceName.longest)
      #expect(unique.utf8.allSatisfy(InstanceName.isLegal) && unique.hasPrefix(name.prefix(5)))
      #expect(InstanceName.uid(of: unique) == uid)
    }
  }

  @Test func namesThatDifferInTheirEndsOnlyStayDifferent() throws {
    let long = String(repeating: "a", count: 99)
    #expect(
      try InstanceName.unique(long + "x", uid: 600_000, 1) != InstanceName.unique(long + "y", uid: 600_000, 1))
  }

  @Test(arguments: ["", ".hidden", "a/b", "ä", "a b"]) func othersAreRefused(_ name: String) {
    let error = #expect(throws: SandboxError.self) { _ = try InstanceName.unique(name, uid: 600_000, 1) }
    #expect(error?.code == .invalidPlan)
  }

  @Test(arguments: ["berth", "local-1.2.3", "user.slice", "session-1.x.4711.1", "a.b.c.d"])
  func groupsOfOthersBelongToNobody(_ name: String) { #expect(InstanceName.uid(of: name) == nil) }
}
