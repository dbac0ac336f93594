// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

/// The weaker mode, as an ordinary user would get it.
@Suite(.enabled(if: Fixture.isRoot, "becoming another user needs root"), .timeLimit(.minutes(2)), .serialized)
struct UnprivilegedTests {
  /// What this mode openly does not stop: limits that need a cgroup, execution from memory, a uid of its own.
  static let documented: Set<String> = ["fork_bomb", "memory_hog", "run_from_memory"]

  static func fixture() throws -> Fixture {
    let plain = try Fixture()
    let copy = plain.directory + "/berth-launcher"
    system("cp '\(Fixture.program)' '\(copy)'")
    let prefix = ["/usr/bin/setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"]
    return try Fixture(transport: .program(path: copy, prefix: prefix), keeping: plain)
  }

  @Test func aPluginRunsInAUserNamespace() async throws {
    let fixture = try Self.fixture()
    let result = try await fixture.run("id -u; ls /; cat /proc/1/status") { plan in
      plan = LaunchPlan(
        instance: "u", mode: .unprivileged, bundle: plan.bundle, executable: plan.executable, uid: 65_532)
    }
    #expect(result.output.hasPrefix("65532\nbin\n"), "\(result)")
    #expect(result.status == .exited(1))
  }

  @Test func theCorpusIsStoppedExceptWhatIsDocumented() async throws {
    let fixture = try Self.fixture()
    let hostile = try await HostilePlugin(fixture)
    let inside = try await hostile.inside { plan in
      let arguments = plan.arguments
      plan = LaunchPlan(
        instance: "u", mode: .unprivileged, bundle: plan.bundle, executable: plan.executable, uid: 65_532)
      plan.arguments = arguments
    }
    #expect(inside.count >= 130)
    let open = inside.filter { $0.verdict != .blocked && !Self.documented.contains($0.name) }
    #expect(open.map(\.description) == [])
  }
}
