// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import Testing

@Suite struct VersionTests {
  static func range(_ low: String, _ high: String) throws -> ProtocolVersionRange {
    ProtocolVersionRange(
      min: try #require(ProtocolVersion(low)), max: try #require(ProtocolVersion(high)))
  }

  @Test(arguments: [
    ("1.0", "1.0", "1.0", "1.0", "1.0"), ("1.0", "1.4", "1.0", "1.2", "1.2"), ("1.0", "2.1", "1.3", "3.0", "2.1"),
    ("1.2", "1.9", "1.0", "1.2", "1.2"),
  ])
  func theHighestCommonVersionWins(_ hostMin: String, _ hostMax: String, _ min: String, _ max: String, _ wanted: String)
    throws
  {
    let chosen = try VersionNegotiation.choose(
      host: Self.range(hostMin, hostMax), plugin: Self.range(min, max))
    #expect(chosen == ProtocolVersion(wanted))
  }

  @Test func noOverlapNamesTheSideToUpgrade() throws {
    let old = try Self.range("1.0", "1.3")
    let new = try Self.range("2.0", "2.1")
    for (host, plugin, side) in [(new, old, "the plugin"), (old, new, "the host")] {
      let error = try #require(throws: StorageError.self) {
        try VersionNegotiation.choose(host: host, plugin: plugin)
      }
      #expect(error.code == .unsupportedProtocol)
      #expect(error.outcome == .notStarted)
      #expect(error.hint == "upgrade \(side)")
      #expect(error.details["supported"] == ["host": host.json(), "plugin": plugin.json()])
    }
  }

  @Test(arguments: ["", "1", "1.", ".1", "1.0.0", "01.0", "1.00", "-1.0", "1.x", "1.9999999", " 1.0", "٣.0"])
  func oddVersionsAreNone(_ text: String) {
    #expect(ProtocolVersion(text) == nil)
  }

  @Test func aRangeGoesUpwards() {
    #expect(throws: JSONError.self) { try ProtocolVersionRange(json: ["min": "1.2", "max": "1.0"]) }
    #expect(throws: JSONError.self) { try ProtocolVersionRange(json: ["min": "1.2"]) }
  }

  @Test func profilesAreChosenSilently() {
    let host = ["pve-storage": ProfileRange(min: 9, max: 15), "backup": ProfileRange(min: 1, max: 1)]
    let plugin = ["pve-storage": ProfileRange(min: 11, max: 13), "com.example/x": ProfileRange(min: 1, max: 2)]
    #expect(VersionNegotiation.profiles(host: host, plugin: plugin) == ["pve-storage": 13])
    let old = ["pve-storage": ProfileRange(min: 3, max: 8)]
    #expect(VersionNegotiation.profiles(host: host, plugin: old) == [:])
  }
}
