// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// What the worker refuses whatever the daemon asks of it: devices that somebody has for himself, disks of the host's
/// own, users that are no plugin's.
@Suite(.requires(.root), .timeLimit(.minutes(3)))
struct DeviceUseTests {
  /// A loop device of the broker's with a file system on it.
  private func attached(_ fixture: BrokerFixture) async throws -> (handle: JSON, node: String) {
    fixture.image()
    try await fixture.broker.prepare("\(fixture.run)/s1")
    let loop = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/disk.img")])
    return (try #require(loop["loop"]), try #require(loop["device"]?.stringValue))
  }

  private func openDevice(_ fixture: BrokerFixture, _ handle: JSON, _ access: String) async -> StorageError.Code? {
    do throws(StorageError) {
      _ = try await fixture.call("host.device.open", ["class": "loop", "name": handle, "access": .string(access)])
      return nil
    } catch { return error.code }
  }

  @Test(arguments: ["ro", "rw"]) func aMountedDeviceIsNotOpened(_ access: String) async throws {
    try await BrokerFixture.with { fixture in
      let (handle, node) = try await attached(fixture)
      let place = fixture.directory.file("elsewhere")
      mkdir(place, 0o755)
      try #require(BrokerFixture.shell("mount '\(node)' '\(place)'") == 0)
      #expect(await openDevice(fixture, handle, access) == .volumeBusy)
      try #require(BrokerFixture.shell("umount '\(place)'") == 0)
      #expect(await openDevice(fixture, handle, access) == nil)
    }
  }

  @Test func aDeviceThatSomebodyHasForHimselfIsNotOpened() async throws {
    try await BrokerFixture.with { fixture in
      let (handle, node) = try await attached(fixture)
      let holder = open(node, O_RDONLY | O_EXCL | O_CLOEXEC)
      try #require(holder >= 0)
      #expect(await openDevice(fixture, handle, "rw") == .volumeBusy)
      close(holder)
      #expect(await openDevice(fixture, handle, "rw") == nil)
    }
  }

  @Test func aMountedDeviceIsNotMountedOnceMore() async throws {
    try await BrokerFixture.with { fixture in
      let (handle, node) = try await attached(fixture)
      let place = fixture.directory.file("elsewhere")
      mkdir(place, 0o755)
      let params: JSONObject = ["kind": "device", "source": handle, "options": ["fs": "ext4"]]
      try #require(BrokerFixture.shell("mount '\(node)' '\(place)'") == 0)
      let error = await #expect(throws: StorageError.self) { try await fixture.call("host.mount", params) }
      #expect(error?.code == .volumeBusy, "\(String(describing: error))")
      try #require(BrokerFixture.shell("umount '\(place)'") == 0)
      _ = try await fixture.call("host.mount", params)
    }
  }

  /// As a daemon that was taken over would ask.
  private func mounted(
    _ fixture: BrokerFixture, _ node: String, _ change: (inout BrokerOperation) -> Void = { _ in }
  ) async throws -> Int32 {
    var status = stat()
    try #require(stat(node, &status) == 0)
    var operation = BrokerOperation(.mountLocal, flags: .mapOwner)
    (operation.node, operation.type) = (node, "ext4")
    (operation.major, operation.minor) = (UInt32(status.st_rdev >> 8), UInt32(status.st_rdev & 0xFF))
    (operation.place, operation.name) = ("\(fixture.run)/s1/mounts", "here")
    operation.uid = BrokerFixture.uid
    change(&operation)
    let error = try await fixture.launcher.perform(operation, within: .seconds(30)).error
    if error == 0 { BrokerFixture.shell("umount '\(operation.place)/here'") }
    rmdir("\(operation.place)/here")
    return error
  }

  @Test func aDiskOfTheHostsOwnIsNotMounted() async throws {
    try await BrokerFixture.with { fixture in
      let (_, node) = try await attached(fixture)
      let image = fixture.directory.file("foreign.img")
      BrokerFixture.shell("cp '\(fixture.data)/disk.img' '\(image)'")
      let link = fixture.directory.file("foreign")
      try #require(BrokerFixture.shell("ln -s \"$(losetup -f --show '\(image)')\" '\(link)'") == 0)
      let foreign = try #require(realpath(link, nil))
      defer {
        BrokerFixture.shell("losetup -d '\(String(cString: foreign))'")
        free(foreign)
      }
      #expect(try await mounted(fixture, String(cString: foreign)) == EPERM)
      #expect(try await mounted(fixture, node) == 0)
    }
  }

  @Test(arguments: [0, 6, 999, UInt32.max]) func aUserThatIsNoPluginsIsRefused(_ uid: UInt32) async throws {
    try await BrokerFixture.with { fixture in
      let (_, node) = try await attached(fixture)
      try await Self.everyKindRefuses(uid, fixture, node) { change in try await mounted(fixture, node, change) }
    }
  }

  /// Nor is one outside of the range that the launcher's service was given.
  @Test func aUserOutsideTheServersRangeIsRefused() async throws {
    let range = ["--uids", "\(BrokerFixture.uid)-\(BrokerFixture.uid + 10)"]
    try await ServerTests.serving("/tmp", range) { fixture in
      let (_, node) = try await attached(fixture)
      for uid in [BrokerFixture.uid - 1, BrokerFixture.uid + 11] {
        try await Self.everyKindRefuses(uid, fixture, node) { change in try await mounted(fixture, node, change) }
      }
    }
  }

  private static func everyKindRefuses(
    _ uid: UInt32, _ fixture: BrokerFixture, _ node: String,
    _ mounted: ((inout BrokerOperation) -> Void) async throws -> Int32
  ) async throws {
    func exec(_ uid: UInt32) async throws -> Int32 {
      var operation = BrokerOperation(.exec)
      (operation.uid, operation.arguments) = (uid, ["/usr/bin/true"])
      return try await fixture.launcher.perform(operation, within: .seconds(10)).error
    }
    func open(_ uid: UInt32) async throws -> Int32 {
      var status = stat()
      try #require(stat(node, &status) == 0)
      var operation = BrokerOperation(.deviceOpen)
      (operation.node, operation.uid) = (node, uid)
      (operation.major, operation.minor) = (UInt32(status.st_rdev >> 8), UInt32(status.st_rdev & 0xFF))
      (operation.place, operation.name) = ("\(fixture.run)/s1/dev", "node")
      return try await fixture.launcher.perform(operation, within: .seconds(10)).error
    }
    #expect(try await exec(uid) == EPERM)
    #expect(try await open(uid) == EPERM)
    #expect(try await mounted { $0.uid = uid } == EPERM)
    // Positive controls.
    #expect(try await exec(BrokerFixture.uid) == 0)
    #expect(try await open(BrokerFixture.uid) == 0)
    #expect(try await mounted { $0.uid = BrokerFixture.uid } == 0)
  }

  // MARK: - Running plugins

  private static let hasGroup = Requirement(
    access("/sys/fs/cgroup/devices/devices.list", R_OK) == 0, "needs the device group of control groups version 1")

  private func start(
    _ fixture: BrokerFixture, _ devices: [DevicePermission]
  ) async throws -> (SandboxedProcess, list: @Sendable () -> [String]) {
    let bundle = fixture.directory.file("bundle")
    mkdir(bundle, 0o755)
    fixture.directory.write("bundle/run.sh", Array("#!/bin/sh\nexec cat\n".utf8), mode: 0o755)
    var plan = LaunchPlan(
      instance: "s1", mode: .privileged, bundle: bundle, executable: "run.sh", uid: BrokerFixture.uid)
    plan.brokerDirectory = "\(fixture.run)/s1"
    plan.permissions.devices = devices
    let process = try await fixture.launcher.launch(plan)
    try await process.attest()
    let file = fixture.directory.file("list")
    let leaf = "\(fixture.launcher.scope)/\(process.instance)"
    return (
      process,
      {
        BrokerFixture.shell("{ cat $(find /sys/fs/cgroup/devices -path '*/\(leaf)/devices.list') > '\(file)'; }")
        return TestText.read(file).split(separator: "\n").filter { $0.hasPrefix("b ") }.map(String.init)
      }
    )
  }

  @Test(.requires(hasGroup)) func theLeaveForADeviceEndsWithIt() async throws {
    try await BrokerFixture.with { fixture in
      let (handle, node) = try await attached(fixture)
      let (process, list) = try await start(fixture, [])
      let client = fixture.client("s1", sandbox: process.instance)
      let answer = try await fixture.call(
        "host.device.open", ["class": "loop", "name": handle, "access": "ro"], client)
      let number = "b 7:\(node.dropFirst("/dev/loop".count))"
      #expect(list() == ["\(number) r"])
      // The number is another's next: the node and the leave go with the device.
      _ = try await fixture.call("host.loop.detach", ["loop": handle], client)
      #expect(list() == [])
      #expect(access(try #require(answer["path"]?.stringValue), F_OK) != 0)
      try await process.kill()
      process.close()
    }
  }

  @Test(.requires(hasGroup), arguments: [FilePermission.Access.readOnly, .readWrite])
  func aNodeOfAClassHasTheGrantedAccess(_ granted: FilePermission.Access) async throws {
    try await BrokerFixture.with { fixture in
      let (_, node) = try await attached(fixture)
      let name = "berth-test-\(getpid())"
      BrokerFixture.shell("mkdir -p /dev/disk/by-id && ln -sfn '\(node)' '/dev/disk/by-id/\(name)'")
      defer { unlink("/dev/disk/by-id/\(name)") }
      let (process, list) = try await start(
        fixture, [DevicePermission(deviceClass: "by-id:\(name)", access: granted)])
      #expect(list() == ["b 7:\(node.dropFirst("/dev/loop".count)) \(granted == .readOnly ? "r" : "rw")"])
      try await process.kill()
      process.close()
    }
  }
}
