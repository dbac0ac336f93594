// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// `berth plugin permissions` against a daemon with the sample plugin.
@Suite(.timeLimit(.minutes(5)))
struct PermissionsCommandTests {
  static let line = "fs rw ${config.path}"

  @Test func revokedShownAndGrantedAgain() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let shown = try await host.succeed("plugin", "permissions", "show", "--storage", "local")
    #expect(
      shown.contains("state    granted") && shown.contains("yes  \(Self.line)  [fs rw \(host.store)]"), "\(shown)")
    #expect(shown.contains("the storage's own directory"))
    // What every plugin has is a line as well, and can be taken back like any other.
    #expect(shown.contains("yes  runtime threads"), "\(shown)")
    let single = try await host.succeed("plugin", "permissions", "revoke", "--storage", "local", "runtime threads")
    #expect(single.contains("state    reduced") && single.contains("no   runtime threads"), "\(single)")
    try await host.succeed("plugin", "permissions", "grant", "--storage", "local", "runtime threads")

    let revoked = try await host.succeed("plugin", "permissions", "revoke", "--storage", "local", Self.line)
    #expect(revoked.contains("state    missing") && revoked.contains("no   \(Self.line)"), "\(revoked)")
    let refused = await host.berth("volume", "list", "local")
    #expect(refused.status == 6, "\(refused)")
    #expect(refused.errors.contains(Self.line) && refused.errors.contains("permissions grant --storage local"))
    let status = try await host.succeed("storage", "status", "local", "--fresh", "--json")
    #expect(status.contains(Self.line), "\(status)")

    // Durable before it was acknowledged: it holds after the daemon was killed.
    await host.stop(SIGKILL)
    try await host.start()
    #expect(try await host.succeed("plugin", "permissions", "show").contains("state    missing"))
    let granted = try await host.succeed(
      "plugin", "permissions", "grant", "--plugin", "org.berth.sample.directory", "--all", "--json")
    #expect(try JSON.parse(Array(granted.utf8))["items"]?.arrayValue?.first?["state"] == "granted", "\(granted)")
    try await host.succeed("volume", "list", "local")
    #expect(host.log.contains("permissions revoked") && host.log.contains("permissions granted"), "an audit line each")
  }

  @Test func pluginShowTellsTheScoreWithItsReasons() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    try await host.succeed("volume", "list", "local")
    let text = try await host.succeed("plugin", "show", "org.berth.sample.directory")
    #expect(text.contains("storage      local, granted") && text.contains("process      local, ready"), "\(text)")
    #expect(text.contains("score     "), "\(text)")
    // What a newcomer needs before adding a storage: the type, its options, why the plugin wants what.
    #expect(text.contains("type         directory (Directory): content "), "\(text)")
    #expect(text.contains("\n  option     path ") && text.contains(", required, fixed: "), "\(text)")
    #expect(text.contains("\n  \(Self.line)\n        the storage's own directory\n"), "\(text)")
    let json = try JSON.parse(
      Array(try await host.succeed("plugin", "show", "org.berth.sample.directory", "--json").utf8))
    let process = try #require(json["processes"]?.arrayValue?.first)
    let lost = process["deductions"]?.arrayValue?.compactMap { $0["points"]?.intValue }.reduce(0, +) ?? 0
    #expect(process["score"]?.intValue == max(0, 100 - lost), "\(process)")
  }

  @Test func badRequestsSayWhatToDo() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let cases: [([String], Int32, String)] = [
      (["show", "--storage", "nosuch"], 5, "nosuch"), (["grant", "--storage", "local"], 2, "--all"),
      (["revoke", "--all"], 2, "--storage"), (["grant", "--storage", "local", "fs rw /etc"], 2, Self.line),
      (["show", "--storage", "local", "--plugin", "x.y"], 1, "org.berth.sample.directory"),
      (["revoke", "--plugin", "x.y", "--all"], 1, "no storage"),
    ]
    for (arguments, status, text) in cases {
      let run = await Program.run(
        Program.products + "/berth", ["plugin", "permissions"] + arguments,
        environment: ["BERTH_SOCKET": host.socket], input: nil)
      #expect(run.status == status && run.errors.contains(text), "\(arguments): \(run)")
    }
  }
}
