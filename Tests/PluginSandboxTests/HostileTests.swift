// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(3)), .serialized)
struct HostileTests {
  /// Set in the guest, whose stock kernel has what some of the attempts need.
  private static let isStock = getenv("BERTH_GUEST") != nil

  @Test(.enabled(if: StateImage.isAvailable(), "needs loop devices and mkfs.ext4: /state is a file system image"))
  func everyAttemptFailsInsideAndSucceedsOutside() async throws { try await Self.check(hasImage: true) }

  /// As on a host that cannot make images.
  @Test func everyAttemptFailsInsideWithStateInMemory() async throws { try await Self.check(hasImage: false) }

  private static func check(hasImage: Bool) async throws {
    let hostile = try await HostilePlugin(Fixture())
    let outside = await hostile.outside()
    let inside = try await hostile.inside(hasImage: hasImage)
    #expect(inside.filter { $0.control == .always }.count >= 130, "attempts that have a control on every machine")
    #expect(outside.map(\.name) == inside.map(\.name))
    #expect(inside.filter { $0.verdict != .blocked }.map(\.description) == [])
    let controls = outside.filter { $0.control == .always || ($0.control == .stock && Self.isStock) }
    #expect(controls.filter { $0.verdict != .escaped }.map(\.description) == [], "they prove nothing")
    // What succeeds must not stand among those that are excused.
    let excused = outside.filter { $0.control == .nowhere && $0.verdict == .escaped }
    #expect(excused.map(\.description) == [], "a control was found: take NOWHERE away")
    let covered = Set(inside.map(\.threat))
    #expect((1...32).map { "T\($0)" }.filter { !covered.contains($0) } == [], "threats that nothing attempts")
  }

  /// The launcher as a server makes the namespaces ahead and starts plugins as its own children.
  @Test func everyAttemptFailsBehindTheServerToo() async throws {
    let server = try await ServerFixture()
    let hostile = try await HostilePlugin(server.fixture)
    let inside = try await hostile.inside()
    #expect(inside.count >= 150)
    #expect(inside.filter { $0.verdict != .blocked }.map(\.description) == [])
    server.stop()
  }
}
