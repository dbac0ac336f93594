// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Jobs
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// Taking over an existing Proxmox VE configuration.
@Suite(.serialized, .timeLimit(.minutes(5)), .requires(.root)) struct ConfigImportTests {
  private func file(_ fixture: HostFixture) -> String {
    """
    # kept by hand
    scripted: nas
    \tpath \(fixture.data("nas"))
    \tcontent images
    \tlevel 3

    nfs: other
    \tserver 192.0.2.1
    \texport /x
    \tunheard-of 7

    scripted: bad
    \tcontent images

    """
  }

  private func digest(_ host: StorageHost) async throws -> String {
    try #require(await host.plugins().first?.digest)
  }

  private func configuration(_ fixture: HostFixture) throws -> String {
    try String(contentsOfFile: fixture.directory.file("state/storage.cfg"), encoding: .utf8)
  }

  @Test func everySectionIsTakenOverAndJudged() async throws {
    try await HostFixture.run { fixture, host in
      try FileManager.default.createDirectory(atPath: fixture.data("nas"), withIntermediateDirectories: true)
      let text = file(fixture)
      var wish = ConfigImport(text: Array(text.utf8), secrets: ["nas": ["password": "s3cret", "pin": "1"]])
      let before = try configuration(fixture)
      let dry = try await host.importConfig(wish, isDryRun: true, fixture.caller)
      #expect(dry.isDryRun)
      #expect(dry.sections.map(\.verdict) == [.waiting, .waiting, .broken])
      #expect(try configuration(fixture) == before)

      wish.consents = [try await digest(host)]
      let report = try await host.importConfig(wish, isDryRun: false, fixture.caller)
      #expect(report.sections.map(\.storeid) == ["nas", "other", "bad"])
      #expect(report.sections.map(\.verdict) == [.usable, .waiting, .broken])
      #expect(report.sections[0].secrets == ["password"])
      #expect(report.sections[0].problems.contains { $0.contains("'pin'") })
      #expect(report.sections[1].next?.contains("install a plugin that serves 'nfs'") == true)
      #expect(report.sections[2].problems.contains { $0.contains("path") }, "\(report.sections[2])")
      #expect(report.digest == (try await host.configDigest()))
      // Byte for byte, comments and unknown properties included.
      #expect(try configuration(fixture).hasSuffix(text))
      #expect(try await host.alloc("nas", vmid: 100, size: 4_096, fixture.caller) == "nas:100/vm-100-disk-0.raw")
      #expect(try await host.storage("nas").secrets == ["password"])
      let records = try await host.journal.recent(limit: 10)
      #expect(records.contains { $0.method == "import_config" && $0.state == .done })
      let said = "\(report.json().text()) \(records.map { $0.intent.text() })"
      #expect(!said.contains("s3cret"))
    }
  }

  @Test func whatExistsKeepsAllOutUnlessItIsLeftOut() async throws {
    try await HostFixture.run { fixture, host in
      let text = "scripted: s1\n\tpath /elsewhere\n\n" + file(fixture)
      var wish = ConfigImport(text: Array(text.utf8), secrets: ["nas": ["password": "x"]])
      let before = try configuration(fixture)
      let dry = try await host.importConfig(wish, isDryRun: true, fixture.caller)
      #expect(dry.sections.first?.verdict == .exists)
      let asked = wish
      let error = await #expect(throws: StorageError.self) {
        try await host.importConfig(asked, isDryRun: false, fixture.caller)
      }
      #expect(error?.code == .configInvalid)
      #expect(error?.details["reason"] == "STORAGE_EXISTS")
      #expect(try configuration(fixture) == before)
      #expect(!FileManager.default.fileExists(atPath: fixture.directory.file("state/secrets/nas.json")))
      wish.skipsExisting = true
      let report = try await host.importConfig(wish, isDryRun: false, fixture.caller)
      #expect(report.sections.map(\.verdict) == [.exists, .waiting, .waiting, .broken])
      #expect(try await host.storages().map(\.storeid) == ["s1", "nas", "other", "bad"])
      #expect(try await host.storage("s1").properties["path"] == .string(fixture.data("s1")))
    }
  }

  @Test func anIdTwiceIsRefusedAndAYesterdaysDigestIsAConflict() async throws {
    try await HostFixture.run { fixture, host in
      let twice = "nfs: a1\n\tserver x\n\nnfs: a1\n\tserver y\n"
      let wish = ConfigImport(text: Array(twice.utf8))
      let dry = try await host.importConfig(wish, isDryRun: true, fixture.caller)
      #expect(dry.sections.map(\.verdict) == [.duplicate, .duplicate])
      var error = await #expect(throws: StorageError.self) {
        try await host.importConfig(wish, isDryRun: false, fixture.caller)
      }
      #expect(error?.details["reason"] == "DUPLICATE_SECTION")
      let old = ConfigImport(
        text: Array("nfs: a1\n\tserver x\n".utf8), digest: String(repeating: "0", count: 40))
      error = await #expect(throws: StorageError.self) {
        try await host.importConfig(old, isDryRun: false, fixture.caller)
      }
      #expect(error?.details["reason"] == "DIGEST_CONFLICT")
      #expect(try await host.storages().map(\.storeid) == ["s1"])
    }
  }
}
