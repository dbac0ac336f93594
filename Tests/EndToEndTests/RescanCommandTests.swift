// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// `berth plugin rescan` and SIGHUP against a daemon with the sample plugins.
@Suite(.timeLimit(.minutes(5)))
struct RescanCommandTests {
  /// Gives an installed bundle another version, as an upgrade does; nothing else changes.
  private func upgrade(_ host: Installation, _ bundle: String, to version: String) throws {
    let path = "\(host.plugins)/\(bundle)/manifest.json"
    var manifest = try JSON.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: path)))).object()
    manifest["version"] = .string(version)
    try Data(JSON.object(manifest).text().utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o644)
  }

  private func version(_ host: Installation) async throws -> String? {
    let text = try await host.succeed("plugin", "show", "org.berth.sample.directory", "--json")
    return try JSON.parse(Array(text.utf8))["processes"]?.arrayValue?.first?["version"]?.stringValue
  }

  @Test func anUpgradeIsTakenUpByCommandAndBySignal() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volid = try await host.succeed("volume", "alloc", "local", "100", "1M").split(separator: "\n").first
    let daemon = host.daemon

    try upgrade(host, "directory", to: "7.1.0")
    let table = try await host.succeed("plugin", "rescan")
    #expect(table.contains("org.berth.sample.directory") && table.contains("-> 7.1.0  local"), "\(table)")
    #expect(try await host.volumes() == [volid.map(String.init)])
    #expect(try await version(host) == "7.1.0")

    try upgrade(host, "directory", to: "7.2.0")
    kill(daemon, SIGHUP)
    #expect(await eventually { host.log.contains("earlier=7.1.0") })
    #expect(try await host.volumes() == [volid.map(String.init)])
    #expect(try await version(host) == "7.2.0")
    #expect(host.daemon == daemon && ProcessTable.isAlive(daemon))

    try Data("{".utf8).write(to: URL(fileURLWithPath: "\(host.plugins)/minimal/manifest.json"))
    let broken = await host.berth("plugin", "rescan", "--json")
    #expect(broken.status == 1)
    let items = try JSON.parse(Array(broken.text.utf8))["items"]?.arrayValue ?? []
    let minimal = try #require(items.first { $0["path"]?.stringValue?.hasSuffix("/minimal") == true })
    #expect(minimal["change"] == "refused" && minimal["problem"]?.stringValue?.contains("manifest.json") == true)
    #expect(minimal["hint"]?.stringValue?.contains("berth plugin rescan") == true, "\(minimal)")
    let text = await host.berth("plugin", "rescan")
    #expect(text.text.contains("refused: ") && text.text.contains("  next: "), "\(text)")
    #expect(try await host.volumes().count == 1)
  }

  /// The table stays a table; who looks closer is told what happened.
  @Test func aRefusedUpdateIsSeenInListAndShow() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let manifest = "\(host.plugins)/directory/manifest.json"
    try Data("{".utf8).write(to: URL(fileURLWithPath: manifest))
    #expect(await host.berth("plugin", "rescan").status == 1)
    let list = try await host.succeed("plugin", "list")
    let row = try #require(list.split(separator: "\n").first { $0.hasPrefix("org.berth.sample.directory") })
    #expect(row.contains("usable, update refused") && !row.contains("manifest.json"), "\(list)")
    #expect(list.contains("org.berth.sample.directory: ") && list.contains("manifest.json"), "\(list)")
    let show = try await host.succeed("plugin", "show", "org.berth.sample.directory")
    #expect(show.contains("update       refused: ") && show.contains("manifest.json"), "\(show)")
  }
}
