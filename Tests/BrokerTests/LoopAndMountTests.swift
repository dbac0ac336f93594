// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// Loop devices and mounts through every layer: broker, launcher, worker, kernel.
@Suite(.requires(.root), .timeLimit(.minutes(3)))
struct LoopAndMountTests {
  @Test func aFileBecomesALoopDeviceAndStopsBeingOne() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      let params: JSONObject = ["path": .string("\(fixture.data)/disk.img")]
      let answer = try await fixture.call("host.loop.attach", params)
      #expect(fixture.looped == ["\(fixture.data)/disk.img"])
      // Asking again, as after a lost reply, gives the same.
      #expect(try await fixture.call("host.loop.attach", params) == answer)
      let loop = try #require(answer["loop"])
      _ = try await fixture.call("host.loop.detach", ["loop": loop])
      #expect(fixture.looped == [])
      _ = try await fixture.call("host.loop.detach", ["loop": loop])
      #expect(fixture.store.trail.count == 4)
    }
  }

  @Test(arguments: ["ext4", "btrfs"])
  func aFileSystemInAFileIsMountedWhereTheHostChooses(_ type: String) async throws {
    try await BrokerFixture.with { fixture in
      fixture.image(type: type)
      try await fixture.broker.prepare("\(fixture.run)/s1")
      let answer = try await fixture.call(
        "host.mount", ["kind": "loop", "source": .string("\(fixture.data)/disk.img"), "options": ["fs": .string(type)]])
      let path = try #require(answer["path"]?.stringValue)
      #expect(path.hasPrefix("\(fixture.run)/s1/mounts/mnt-"))
      let options = try #require(try MountLine.options(of: path))
      #expect(options.isSuperset(of: ["nosuid", "nodev", "noexec", "rw"]), "\(options)")
      // The file system's owner appears as the plugin.
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_uid == BrokerFixture.uid)
      _ = try await fixture.call("host.unmount", ["mount": try #require(answer["mount"])])
      #expect(!MountedPaths.now().contains(path))
      #expect(access(path, F_OK) != 0)
    }
  }

  @Test func anAttachedDeviceIsMountedByItsHandle() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      try await fixture.broker.prepare("\(fixture.run)/s1")
      let loop = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/disk.img")])
      let handle = try #require(loop["loop"])
      let mount = try await fixture.call(
        "host.mount", ["kind": "device", "source": handle, "options": ["fs": "ext4"], "access": "ro"])
      let path = try #require(mount["path"]?.stringValue)
      #expect(try #require(try MountLine.options(of: path)).contains("ro"))
      await #expect(throws: StorageError.self) { try await fixture.call("host.loop.detach", ["loop": handle]) }
      _ = try await fixture.call("host.unmount", ["mount": try #require(mount["mount"])])
      _ = try await fixture.call("host.loop.detach", ["loop": handle])
    }
  }

  @Test func aNewDaemonKnowsWhatPluginsHoldAndReleasesWhatNobodyHasAnyMore() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      fixture.image("second.img")
      for storeid in ["s1", "s2"] { try await fixture.broker.prepare("\(fixture.run)/\(storeid)") }
      func mount(_ broker: Broker, _ storeid: String, _ name: String) async throws -> JSONObject {
        let params: JSONObject = [
          "parent": 1, "kind": "loop", "source": .string("\(fixture.data)/\(name)"), "options": ["fs": "ext4"],
        ]
        return try await broker.call("host.mount", .object(params), for: fixture.client(storeid)).objectValue ?? [:]
      }
      let first = try await mount(fixture.broker, "s1", "disk.img")
      let second = try await mount(fixture.broker, "s2", "second.img")
      let successor = BrokerFixture.broker(fixture.launcher, fixture.store)
      try await successor.reconcile(storages: ["s1"], runDirectory: fixture.run)
      #expect(try await mount(successor, "s1", "disk.img") == first)
      let gone = try #require(second["path"]?.stringValue)
      #expect(!MountedPaths.now().contains(gone))
      #expect(!MountedPaths.now().contains("\(fixture.run)/s2/mounts"))
      await successor.release(holder: "s1", directory: "\(fixture.run)/s1")
    }
  }
}

/// One mount's line of `/proc/self/mountinfo`.
enum MountLine {
  static func options(of path: String) throws -> Set<String>? {
    guard let file = fopen("/proc/self/mountinfo", "re") else { return nil }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(line) }
    while getline(&line, &size, file) > 0, let text = line {
      let fields = String(cString: text).split(separator: " ")
      if fields.count > 5, fields[4] == path { return Set(fields[5].split(separator: ",").map(String.init)) }
    }
    return nil
  }
}
