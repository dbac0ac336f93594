// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import StorageProtocol
import TestSupport
import Testing

@testable import StorageHost

/// Grants of real storages with real sandboxed plugins: given, narrowed, taken back, outgrown.
@Suite(.timeLimit(.minutes(5)))
struct PermissionTests {
  static let own = "fs rw ${config.path}"

  @Test func revokingEndsTheProcessAndNamesWhatIsMissing() async throws {
    try await HostFixture.run { fixture, host in
      let before = try await host.status("s1", isFresh: true, fixture.caller)
      #expect(before.isActive && before.process == "ready", "\(before)")
      let process = try #require(await host.processes(of: "org.berth.test.scripted").first)
      let pid = try #require(process.pid)

      let now = try await host.revokePermissions("s1", [Self.own], fixture.caller)
      #expect(now.state == .missing && now.missing == [Self.own])
      #expect(kill(pid, 0) != 0 && errno == ESRCH, "the process that had it is gone")

      let refused = await #expect(throws: StorageError.self) { try await host.list("s1", fixture.caller) }
      #expect(refused?.code == .permissionDenied)
      #expect(refused?.message.contains(Self.own) == true, "\(String(describing: refused))")
      #expect(refused?.message.contains("its directory") == true, "the vendor's reason")
      #expect(refused?.hint?.contains("permissions grant --storage s1 '\(Self.own)'") == true)
      let status = try await host.status("s1", isFresh: true, fixture.caller)
      #expect(!status.isActive && status.error?.message.contains(Self.own) == true)
      #expect(try await host.storage("s1").problem?.contains(Self.own) == true)

      _ = try await host.grantPermissions("s1", [Self.own], digest: now.digest, fixture.caller)
      #expect(try await host.status("s1", isFresh: true, fixture.caller).isActive)
    }
  }

  @Test func aReadOnlyGrantHoldsInTheRunningPluginAndAfterARestart() async throws {
    let fixture = try HostFixture()
    try fixture.ask(optional: true)
    try await fixture.once(adding: ["s1"]) { host in
      let digest = try await host.permissions(of: "s1").digest
      let now = try await host.grantPermissions("s1", ["fs ro ${config.path}"], digest: digest, fixture.caller)
      #expect(now.state == .reduced && now.items.first?.granted == "fs ro ${config.path}")
      #expect(now.items.first?.resolved == "fs rw \(fixture.data("s1"))")
    }
    // A new life of the daemon finds the same grant.
    try await fixture.once { host in
      #expect(try await host.permissions(of: "s1").state == .reduced)
      #expect(try await host.list("s1", fixture.caller).volumes.isEmpty, "it can be read")
      await #expect(throws: StorageError.self) {
        _ = try await host.alloc("s1", vmid: 100, format: "raw", size: 1 << 20, fixture.caller)
      }
      #expect(try fixture.files().isEmpty)
      _ = try await host.grantPermissions("s1", nil, digest: host.permissions(of: "s1").digest, fixture.caller)
      _ = try await host.alloc("s1", vmid: 100, format: "raw", size: 1 << 20, fixture.caller)
      #expect(try fixture.files().count == 1)
    }
  }

  @Test func aPluginThatAsksForMoreIsDisabledUntilSomeoneAgrees() async throws {
    try await HostFixture.run { fixture, host in
      let old = try await host.permissions(of: "s1")
      #expect(old.state == .granted && old.agreedDigest == old.digest)
      try fixture.ask(and: #"{"path": "/srv", "access": "ro", "reason": "more"}"#)
      let grown = try await host.permissions(of: "s1")
      #expect(grown.state == .grown && grown.added == ["fs ro /srv"])
      #expect(grown.agreedDigest == old.digest && grown.digest != old.digest)
      let refused = await #expect(throws: StorageError.self) { try await host.list("s1", fixture.caller) }
      #expect(refused?.message.contains("asks for more: fs ro /srv") == true, "\(String(describing: refused))")

      // Whoever looked at the old bundle has not agreed to the new one.
      let stale = await #expect(throws: StorageError.self) {
        _ = try await host.grantPermissions("s1", nil, digest: old.digest, fixture.caller)
      }
      #expect(stale?.message.contains("another bundle") == true)
      _ = try await host.grantPermissions("s1", nil, digest: grown.digest, fixture.caller)
      #expect(try await host.list("s1", fixture.caller).volumes.isEmpty)
    }
  }

  /// The permission reads the same; what it comes to would be another directory.
  @Test func anUpgradeWhoseDefaultMovesAPermissionIsGrowth() async throws {
    let fixture = try HostFixture()
    let extra = "fs rw ${config.extra}"
    for name in ["one", "two", "three"] {
      try FileManager.default.createDirectory(
        atPath: fixture.directory.file("extra-\(name)"), withIntermediateDirectories: true)
    }
    func install(_ version: String, _ name: String) throws {
      let permissions =
        #"{"fs": [{"path": "${config.path}", "access": "rw", "reason": "its directory"}, {"path": "${config.extra}", "access": "rw", "reason": "more"}]}"#
      let property =
        #""extra": {"type": "string", "format": "path", "default": "\#(fixture.directory.file("extra-\(name)"))"}, "level""#
      try fixture.install("scripted", version: version, permissions: permissions) { program in
        program + "# \(version)\n"
      } manifest: {
        $0.replacingOccurrences(of: #""level""#, with: property)
      }
    }
    try install("1.0.0", "one")
    try await fixture.once(adding: ["s1"]) { host in
      let old = try await host.permissions(of: "s1")
      #expect(old.state == .granted)
      try install("1.1.0", "one")
      #expect(try await host.permissions(of: "s1").state == .granted, "an upgrade that moves nothing")
      _ = try await host.list("s1", fixture.caller)
      try install("1.2.0", "two")
      let moved = try await host.permissions(of: "s1")
      #expect(moved.state == .grown && moved.added == [extra], "\(moved)")
      let refused = await #expect(throws: StorageError.self) { try await host.list("s1", fixture.caller) }
      #expect(refused?.message.contains(fixture.directory.file("extra-two")) == true, "\(String(describing: refused))")
      // To agree to a part leaves what was moved out.
      let part = try await host.grantPermissions("s1", [Self.own], digest: moved.digest, fixture.caller)
      #expect(part.state == .missing && part.missing == [extra], "\(part)")
      _ = try await host.grantPermissions("s1", nil, digest: moved.digest, fixture.caller)
      _ = try await host.list("s1", fixture.caller)
      // The administrator's own change is his consent, and the default means nothing any more.
      _ = try await host.updateStorage(
        "s1", values: ["extra": .string(fixture.directory.file("extra-three"))], fixture.caller)
      try install("1.3.0", "one")
      #expect(try await host.permissions(of: "s1").state == .granted)
      _ = try await host.list("s1", fixture.caller)
    }
  }

  @Test func aPluginThatAsksForLessGoesOnWithLess() async throws {
    let fixture = try HostFixture()
    try fixture.ask(and: #"{"path": "/srv", "access": "ro", "reason": "more"}"#)
    try await fixture.once(adding: ["s1"]) { host in
      // Its first sample is a use, which would take over what is shown below.
      #expect(await eventually { await host.sampler.sample("s1") != nil })
      #expect(try await host.permissions(of: "s1").items.map(\.permission).filter { $0.hasPrefix("fs ") }.count == 2)
      try fixture.ask()
      let now = try await host.permissions(of: "s1")
      #expect(now.state == .granted && now.removed == ["fs ro /srv"])
      #expect(try await host.status("s1", isFresh: true, fixture.caller).isActive)
      // Taken over: asking for it again is growth.
      try fixture.ask(and: #"{"path": "/srv", "access": "ro", "reason": "more"}"#)
      #expect(try await host.permissions(of: "s1").state == .grown)
    }
  }

  @Test func whatWasNeverAskedForCannotBeGranted() async throws {
    try await HostFixture.run { fixture, host in
      let digest = try await host.permissions(of: "s1").digest
      for line in ["fs rw /etc", "net host", "runtime jit", "fs rw ${config.path} "] {
        let error = await #expect(throws: StorageError.self, "\(line)") {
          _ = try await host.grantPermissions("s1", [line], digest: digest, fixture.caller)
        }
        #expect(error?.hint?.contains(Self.own) == true)
      }
      #expect(try await host.permissions(of: "s1").state == .granted)
    }
  }

  @Test func theDaemonsOwnDirectoriesAreNeverGranted() async throws {
    let fixture = try HostFixture()
    try await fixture.once { host in
      for place in ["state", "run", "plugins", "plugins/scripted"] {
        let path = fixture.directory.file(place)
        let error = await #expect(throws: StorageError.self, "\(path)") {
          _ = try await host.addStorage("s9", type: "scripted", values: ["path": .string(path)], fixture.caller)
        }
        #expect(error?.message.contains("may not be granted") == true, "\(String(describing: error))")
      }
    }
  }

  @Test func aDirectoryThatAnotherStorageHasIsAllowedAndSaid() async throws {
    try await HostFixture.run { fixture, host in
      let path = fixture.data("s1") + "/below"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let added = try await host.addStorage("s2", type: "scripted", values: ["path": .string(path)], fixture.caller)
      #expect(added.warnings.count == 1 && added.warnings.first?.contains("'s1'") == true, "\(added.warnings)")
      #expect(try await fixture.add("s3", to: host).warnings.isEmpty)
    }
  }

  @Test func manyGrantsAtOnceEndInOneOfThem() async throws {
    try await HostFixture.run { fixture, host in
      let digest = try await host.permissions(of: "s1").digest
      let caller = fixture.caller
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<20 {
          group.addTask {
            if number % 2 == 0 {
              _ = try await host.revokePermissions("s1", [Self.own], caller)
            } else {
              _ = try await host.grantPermissions("s1", [Self.own], digest: digest, caller)
            }
          }
        }
        try await group.waitForAll()
      }
      let kept = try await host.permissions(of: "s1")
      let isUsable = (try? await host.list("s1", caller)) != nil
      #expect(isUsable == kept.state.isUsable, "\(kept)")
    }
  }

  @Test func theScoreOfARunningPluginNamesEveryPoint() async throws {
    try await HostFixture.run { fixture, host in
      _ = try await host.status("s1", isFresh: true, fixture.caller)
      let process = try #require(await host.processes(of: "org.berth.test.scripted").first)
      let score = try #require(process.score)
      #expect(process.state == "ready" && process.storeid == "s1")
      #expect(score == max(0, 100 - process.deductions.reduce(0) { $0 + $1.points }), "\(process.deductions)")
      #expect(process.deductions.allSatisfy { $0.points > 0 && !$0.reason.isEmpty })
    }
  }
}

extension HostFixture {
  /// Writes the scripted plugin's manifest anew, with its directory and perhaps another request.
  func ask(optional: Bool = false, and more: String? = nil, type: String = "scripted") throws {
    let own = #"{"path": "${config.path}", "access": "rw", "reason": "its directory", "optional": \#(optional)}"#
    let permissions = #"{"fs": [\#(([own] + [more].compactMap(\.self)).joined(separator: ", "))]}"#
    try install(type, permissions: permissions)
  }
}
