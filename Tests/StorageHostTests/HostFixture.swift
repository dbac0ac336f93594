// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import JSON
import Jobs
import Logging
import PluginSandbox
import StorageHost
import StorageProtocol
import TestSupport
import Testing

/// A whole host in a directory of its own, with real sandboxed plugins; its sandboxes end with it.
final class HostFixture: Sendable {
  let directory: TemporaryDirectory
  let scope: String
  let caller = Caller(actor: "test")

  /// - Parameters:
  ///   - types: scripted plugins, one for each storage type.
  ///   - samples: real sample plugins, by their folders' names.
  init(types: [String] = ["scripted"], samples: [String] = []) throws {
    directory = TemporaryDirectory(prefix: "berth-host")
    chmod(directory.path, 0o755)
    scope = "t" + String(directory.path.split(separator: "-").last ?? "x")
    for type in types { try install(type) }
    let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    for sample in samples {
      let bundler = Process()
      bundler.executableURL = URL(fileURLWithPath: root + "/scripts/bundle")
      bundler.arguments = ["\(root)/sample-plugins/\(sample)", directory.file("plugins")]
      try bundler.run()
      bundler.waitUntilExit()
      try #require(bundler.terminationStatus == 0)
    }
  }

  deinit { ControlGroups.remove(scope: scope) }

  /// Puts a scripted plugin for one storage type into the plugin directory, in place of the one that is there.
  func install(
    _ type: String, version: String = "1.0.0", permissions: String = ScriptedPlugin.permissions,
    changing: (String) -> String = { $0 }, manifest: (String) -> String = { $0 }
  ) throws {
    let bundle = directory.file("plugins/\(type)")
    try FileManager.default.createDirectory(atPath: bundle, withIntermediateDirectories: true)
    let source = ScriptedPlugin.program(type: type).replacingOccurrences(of: "\"1.0.0\"", with: "\"\(version)\"")
    let program = Array(changing(source).utf8)
    directory.write("plugins/\(type)/scripted.py", program, mode: 0o755)
    let hash = SHA256.hash(data: program).map { String(format: "%02x", $0) }.joined()
    directory.write(
      "plugins/\(type)/manifest.json",
      manifest(ScriptedPlugin.manifest(sha256: hash, type: type, permissions: permissions, version: version)))
  }

  /// The same with a plugin that ends before it greets, once there is a file `.dead` in the storage's directory.
  func installMortal(_ type: String, version: String = "1.0.0", storeid: String = "s1") throws {
    try install(type, version: version) { program in
      program.replacingOccurrences(
        of: "lock = threading.Lock()",
        with: "if os.path.exists('\(data(storeid))/.dead'): raise SystemExit(3)\nlock = threading.Lock()")
    }
  }

  /// The build's own launcher.
  static let launcher: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return (own as NSString).deletingLastPathComponent + "/berth-launcher"
  }()

  var settings: HostSettings {
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["BERTH_TEST_LOG"] != nil ? .debug : .critical
    var settings = HostSettings(
      stateDirectory: directory.file("state"), runDirectory: directory.file("run"),
      pluginDirectories: [directory.file("plugins")], launcher: Self.launcher, isPrivileged: geteuid() == 0,
      node: "testnode", logger: logger)
    settings.scope = scope
    settings.lockTimeout = .seconds(30)
    return settings
  }

  /// A host with one storage, `s1`, in the directory `data-s1`, that has asked what an earlier one left open.
  func open(adding storages: [String] = ["s1"]) async throws -> StorageHost {
    let host = try await StorageHost.open(settings)
    await host.recovered()
    for storeid in storages { try await add(storeid, to: host) }
    return host
  }

  func data(_ storeid: String) -> String { directory.file("data-\(storeid)") }

  @discardableResult
  func add(
    _ storeid: String, to host: StorageHost, type: String = "scripted", _ more: JSONObject = [:]
  ) async throws -> StorageHost.StorageChange {
    try FileManager.default.createDirectory(atPath: data(storeid), withIntermediateDirectories: true)
    var values: JSONObject = ["path": .string(data(storeid))]
    values.merge(more)
    return try await host.addStorage(storeid, type: type, values: values, caller)
  }

  /// Makes the next call of a method fail: `alloc_image middle die`.
  func order(_ fault: String, on storeid: String = "s1") throws {
    let path = data(storeid) + "/.faults"
    let old = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    try Data((old + fault + "\n").utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o666)
  }

  /// How many calls stand still at their order to wait.
  func waiting(_ storeid: String = "s1") throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: data(storeid)).filter { $0.hasPrefix(".waiting-") }.count
  }

  /// Lets the calls that wait go on, and every later one at once.
  /// - Parameter round: of orders to `wait2` and so on.
  func letGo(_ storeid: String = "s1", round: String = "") {
    directory.write("data-\(storeid)/.go\(round)", "", mode: 0o644)
  }

  /// Volume files in the storage's directory, hidden and side files left out.
  func files(_ storeid: String = "s1") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: data(storeid)).filter { $0.hasSuffix(".raw") }.sorted()
  }

  func volumes(_ host: StorageHost, _ storeid: String = "s1") async throws -> [String] {
    try await host.list(storeid, caller).volumes.map(\.volname).sorted()
  }

  /// Nothing may be left open: no record, no lock, no FIFO.
  func expectSettled(_ host: StorageHost, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    #expect(try await host.journal.unfinished().isEmpty, sourceLocation: sourceLocation)
    #expect(await host.lockList().isEmpty, sourceLocation: sourceLocation)
    let streams = (try? FileManager.default.contentsOfDirectory(atPath: directory.file("run/s1/streams"))) ?? []
    #expect(streams.isEmpty, sourceLocation: sourceLocation)
  }

  /// One life of the daemon in this fixture's directory: opened, used, closed.
  func once(adding storages: [String] = [], _ body: (StorageHost) async throws -> Void) async throws {
    let host = try await open(adding: storages)
    do { try await body(host) } catch {
      await host.close(grace: .milliseconds(100))
      throw error
    }
    await host.close(grace: .milliseconds(100))
  }

  /// Runs the body with an open host and closes it whatever happens.
  static func run(
    types: [String] = ["scripted"], samples: [String] = [], adding storages: [String] = ["s1"],
    _ body: (HostFixture, StorageHost) async throws -> Void
  ) async throws {
    let fixture = try HostFixture(types: types, samples: samples)
    try await fixture.once(adding: storages) { host in try await body(fixture, host) }
  }
}
