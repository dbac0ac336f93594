// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// What can be done about a storage whose plugin is gone, broken, waits for consent, or does not start.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct MissingPluginTests {
  enum Absence: String, CaseIterable, CustomTestStringConvertible {
    /// The bundle was taken away while the daemon ran.
    case taken
    /// It was away when the daemon started.
    case awayAtStart
    /// Something else lies in its place when the daemon starts.
    case brokenAtStart
    case awaitsConsent
    case diesAtOnce

    var testDescription: String { rawValue }
  }

  /// Runs the body with `s1` configured and its plugin absent in this way.
  private func without(_ absence: Absence, _ body: (HostFixture, StorageHost) async throws -> Void) async throws {
    let fixture = try HostFixture()
    let bundle = fixture.directory.file("plugins/scripted")
    let takeAway = {
      try FileManager.default.moveItem(atPath: bundle, toPath: fixture.directory.file("away"))
    }
    if absence == .diesAtOnce { try fixture.installMortal("scripted") }
    try await fixture.once { host in
      try await fixture.add("s1", to: host, ["password": "hunter2-\(fixture.scope)"])
      switch absence {
      case .taken: try takeAway()
      case .awaitsConsent: try fixture.install("scripted", version: "2.0.0", permissions: RescanTests.more)
      case .diesAtOnce: fixture.directory.write("data-s1/.dead", "", mode: 0o644)
      case .awayAtStart, .brokenAtStart: return
      }
      _ = try await host.rescanPlugins(fixture.caller)
      try await body(fixture, host)
    }
    switch absence {
    case .awayAtStart: try takeAway()
    case .brokenAtStart:
      fixture.directory.write("plugins/scripted/manifest.json", "{")
      // Nor is there a copy of the old one.
      try? FileManager.default.removeItem(atPath: fixture.directory.file("state/bundles"))
    case .taken, .awaitsConsent, .diesAtOnce: return
    }
    try await fixture.once { host in try await body(fixture, host) }
  }

  private func text(_ fixture: HostFixture) throws -> String {
    try String(contentsOfFile: fixture.directory.file("state/storage.cfg"), encoding: .utf8)
  }

  @Test(arguments: Absence.allCases)
  func optionsOfBerthItselfCanBeChanged(absence: Absence) async throws {
    try await without(absence) { fixture, host in
      let caller = fixture.caller
      let changed = try await host.updateStorage(
        "s1", values: ["disable": true, "nodes": "elsewhere", "bwlimit": "move=1000"], caller)
      #expect(changed.warnings.count == 1, "\(changed.warnings)")
      #expect(changed.storage?.isEnabled == false)
      #expect(try text(fixture).contains("\tdisable\n") && text(fixture).contains("\tnodes elsewhere\n"))
      _ = try await host.updateStorage("s1", values: ["content": "images,iso"], deleting: ["nodes", "bwlimit"], caller)
      #expect(try !text(fixture).contains("nodes") && !text(fixture).contains("bwlimit"))
      for (values, deleting) in [(["level": 3], []), ([:], ["derived"]), (["password": "x"], [])]
        as [(JSONObject, [String])]
      {
        let before = try text(fixture)
        let refused = await #expect(throws: StorageError.self) {
          try await host.updateStorage("s1", values: values, deleting: deleting, caller)
        }
        #expect(refused?.hint?.isEmpty == false, "\(String(describing: refused))")
        #expect(try text(fixture) == before)
      }
      let wrong = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["bwlimit": "nonsense"], caller)
      }
      #expect(wrong?.code == .configInvalid)
      try await fixture.expectSettled(host)
      // With its plugin back it is what it was made now.
      try? FileManager.default.moveItem(
        atPath: fixture.directory.file("away"), toPath: fixture.directory.file("plugins/scripted"))
      try fixture.install("scripted", version: "3.0.0")
      _ = try await host.rescanPlugins(caller)
      _ = try await host.updateStorage("s1", values: ["level": 4], deleting: ["disable"], caller)
      #expect(try await host.storage("s1").config?["level"] == 4)
      _ = try await host.alloc("s1", vmid: 100, size: 4_096, caller)
    }
  }

  @Test(arguments: Absence.allCases)
  func aStorageIsRemovedOnlyByForceAndLeavesNothing(absence: Absence) async throws {
    try await without(absence) { fixture, host in
      let caller = fixture.caller
      let refused = await #expect(throws: StorageError.self) { try await host.removeStorage("s1", caller) }
      #expect(refused?.hint?.contains("berth storage remove s1 --force") == true, "\(String(describing: refused))")
      #expect(try await host.storages().map(\.storeid) == ["s1"])
      let warnings = try await host.removeStorage("s1", isForced: true, caller)
      #expect(warnings.count == 1 && warnings[0].contains("on_delete_hook"), "\(warnings)")
      #expect(try await host.storages().isEmpty)
      #expect(FileManager.default.fileExists(atPath: fixture.data("s1") + "/.added"), "the hook was not run")
      let state = fixture.directory.file("state")
      let secrets = try FileManager.default.subpathsOfDirectory(atPath: state + "/secrets")
      #expect(!secrets.contains { $0.contains("s1") }, "\(secrets)")
      #expect(!FileManager.default.fileExists(atPath: state + "/plugin-state/s1"))
      let uids = try String(contentsOfFile: state + "/uids.json", encoding: .utf8)
      #expect(!uids.contains("\"s1\""), "\(uids)")
      try await fixture.expectSettled(host)
    }
  }

  @Test func whatNobodyAgreedToIsRemovedWithoutForce() async throws {
    try await HostFixture.run { fixture, host in
      let path = fixture.directory.file("state/storage.cfg")
      try Data((text(fixture) + "\nunheardof: alien\n\tpath /x\n").utf8).write(to: URL(fileURLWithPath: path))
      _ = try await host.storages()
      #expect(try await host.removeStorage("alien", fixture.caller).isEmpty)
      #expect(try await host.removeStorage("s1", fixture.caller).isEmpty)
      #expect(!FileManager.default.fileExists(atPath: fixture.data("s1") + "/.added"), "the hook was run")
    }
  }

  @Test func whoIsTakenOutOfUseNeedsNobodysLeave() async throws {
    try await HostFixture.run { fixture, host in
      try fixture.order("on_update_hook before error not_started")
      let refused = await #expect(throws: StorageError.self) {
        try await host.updateStorage("s1", values: ["bwlimit": "move=1000"], fixture.caller)
      }
      #expect(refused != nil, "an answer of the plugin's counts")
      try fixture.order("on_update_hook before error not_started")
      let changed = try await host.updateStorage("s1", values: ["disable": true], fixture.caller)
      #expect(changed.storage?.isEnabled == false && changed.warnings.count == 1)
      try fixture.order("on_delete_hook before die")
      #expect(try await host.removeStorage("s1", isForced: true, fixture.caller).count == 1)
    }
  }
}
