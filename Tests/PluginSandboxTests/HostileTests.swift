// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(3)), .serialized)
struct HostileTests {
  @Test(.enabled(if: StateImage.isAvailable(), "needs loop devices and mkfs.ext4: /state is a file system image"))
  func everyAttemptFailsInsideAndSucceedsOutside() async throws { try await Self.check(hasImage: true) }

  /// As on a host that cannot make images.
  @Test func everyAttemptFailsInsideWithStateInMemory() async throws { try await Self.check(hasImage: false) }

  private static func check(hasImage: Bool) async throws {
    let hostile = try await HostilePlugin(Fixture())
    let outside = await hostile.outside()
    let inside = try await hostile.inside(hasImage: hasImage)
    #expect(inside.count >= 130)
    #expect(outside.map(\.name) == inside.map(\.name))
    #expect(inside.filter { $0.verdict != .blocked }.map(\.description) == [])
    #expect(outside.filter { $0.verdict != .escaped && !$0.isVacuous }.map(\.description) == [])
    let covered = Set(inside.map(\.threat))
    #expect((1...32).map { "T\($0)" }.filter { !covered.contains($0) } == [], "threats that nothing attempts")
  }
}
