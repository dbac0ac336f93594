// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import Logging
import PluginSandbox
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import Broker

/// What a broker remembers, in memory: it outlives the broker, as the journal outlives a daemon.
final class MemoryStore: BrokerStore {
  private let state = Mutex<(records: [String: String], audit: [String])>(([:], []))

  func records() async throws(StorageError) -> [(key: String, value: String)] {
    state.withLock { $0.records.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) } }
  }
  func put(_ key: String, _ value: String) async throws(StorageError) { state.withLock { $0.records[key] = value } }
  func delete(_ key: String) async throws(StorageError) { state.withLock { $0.records[key] = nil } }
  func audit(_ entry: String) async { state.withLock { $0.audit.append(entry) } }

  var count: Int { state.withLock { $0.records.count } }
  var trail: [String] { state.withLock { $0.audit } }
}

/// A broker with real workers, a granted directory `data`, and the places of two storages.
final class BrokerFixture: Sendable {
  let directory: TemporaryDirectory
  let launcher: Launcher
  let store = MemoryStore()
  let broker: Broker
  static let uid: UInt32 = 654_001

  /// Where launcher and worker stand: the build's own.
  @TaskLocal static var products: String = {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    return own.map { String(cString: $0).split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } } ?? ""
  }()

  init(transport: Launcher.Transport? = nil) {
    directory = TemporaryDirectory(prefix: "berth-broker")
    chmod(directory.path, 0o755)
    for name in ["run", "run/s1", "run/s2", "data", "other"] { mkdir(directory.file(name), 0o755) }
    let scope = "broker-" + (directory.path.split(separator: "-").last.map(String.init) ?? "x")
    launcher = Launcher(transport: transport ?? .program(path: "\(Self.products)/berth-launcher"), scope: scope)
    broker = Self.broker(launcher, store)
  }

  static func broker(_ launcher: Launcher, _ store: MemoryStore) -> Broker {
    var logger = Logger(label: "broker-test")
    logger.logLevel = getenv("BERTH_TEST_LOG") != nil ? .debug : .critical
    return Broker(launcher: launcher, store: store, logger: logger)
  }

  var data: String { directory.file("data") }
  var run: String { directory.file("run") }

  /// Everything that a storage plugin could ask for, on this fixture's directory.
  var everything: Permissions {
    Permissions(
      files: [FilePermission(path: data, access: .readWrite)],
      devices: [DevicePermission(deviceClass: "loop", access: .readWrite)],
      broker: [
        BrokerPermission("host.mount", limits: ["kind": "loop,device", "untrusted": "yes"]),
        BrokerPermission("host.unmount"), BrokerPermission("host.loop.*"), BrokerPermission("host.device.open"),
        BrokerPermission("host.btrfs.subvolume.*"),
        BrokerPermission("host.lvm.*", limits: ["vg": "vg0", "lv": "vm-*", "thinpool": "data"]),
      ])
  }

  func client(
    _ storeid: String = "s1", plugin: String = "org.example.test", _ permissions: Permissions? = nil,
    sandbox: String = ""
  ) -> BrokerClient {
    BrokerClient(
      plugin: plugin, storeid: storeid, holder: storeid, permissions: permissions ?? everything, uid: Self.uid,
      sandbox: sandbox, directory: "\(run)/\(storeid)"
    ) { name async throws(StorageError) in name == "password" ? "geheim" : nil }
  }

  func call(
    _ method: String, _ params: JSONObject, _ client: BrokerClient? = nil
  ) async throws(StorageError) -> JSONObject {
    var params = params
    params["parent"] = 1
    return try await broker.call(method, .object(params), for: client ?? self.client()).objectValue ?? [:]
  }

  /// What is mounted in this fixture's directory.
  var mounted: Set<String> { MountedPaths.now().filter { $0.hasPrefix(directory.path) } }

  /// The files of this fixture's directory that are behind loop devices.
  var looped: Set<String> {
    let files = LoopDevices.attached().map { number in
      TestText.read("/sys/block/loop\(number)/loop/backing_file").split(separator: "\n").first.map(String.init) ?? ""
    }
    return Set(files.filter { $0.hasPrefix(directory.path) })
  }

  /// A file with a fresh file system in the granted directory.
  func image(_ name: String = "disk.img", type: String = "ext4", megabytes: Int = 128) {
    let path = "\(data)/\(name)"
    Self.shell("truncate -s \(megabytes)M '\(path)' && mkfs.\(type) -q '\(path)'")
  }

  @discardableResult
  static func shell(_ command: String) -> Int32 { system(command + " >/dev/null 2>&1") }

  /// Takes everything away, whatever the test left.
  func close() async {
    for storeid in ["s1", "s2"] { await broker.release(holder: storeid, directory: "\(run)/\(storeid)") }
    try? await launcher.removeLeftovers()
  }

  static func with(_ body: (BrokerFixture) async throws -> Void) async throws {
    let fixture = BrokerFixture()
    do { try await body(fixture) } catch {
      await fixture.close()
      throw error
    }
    await fixture.close()
    #expect(fixture.mounted == [])
    #expect(fixture.store.count == 0)
  }
}
