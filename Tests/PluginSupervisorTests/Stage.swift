// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import JSONRPC
import Logging
import PluginSandbox
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import PluginSupervisor

/// Bundles of the plugins in Tests/Hostile/plugins, run under the real sandbox; checks at its end that nothing is left.
final class Stage: Sendable {
  static let scripts = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Hostile/plugins"
  static let nextUID = Atomic<UInt32>(730_000)
  /// The build's own binaries.
  static let launcherProgram: String = {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    let path = own.map { String(cString: $0) } ?? ""
    return path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/berth-launcher"
  }()

  let directory = makeTemporaryDirectory()
  let launcher: Launcher
  let log = CapturedLog()
  let reactor: Reactor

  init() throws {
    launcher = Launcher(
      transport: .program(path: Self.launcherProgram),
      scope: "sup-" + (directory.split(separator: "-").last.map(String.init) ?? "x"))
    reactor = try Reactor(name: "test-io")
  }

  deinit {
    ControlGroups.remove(scope: launcher.scope)
    removeTree(directory)
  }

  /// Writes a bundle of the script and reads it back through the catalog's checks.
  func bundle(
    _ script: String, methods: [String] = Stage.methods, change: (inout JSONObject) -> Void = { _ in }
  ) throws -> PluginBundle {
    try PluginBundle.read(try write(script, methods: methods, change: change))
  }

  static let methods = [
    "activate_storage", "status", "list_images", "alloc_image", "free_image", "volume_size_info", "volume_export",
    "volume_import",
  ]

  /// Writes a bundle of the script with a manifest that fits.
  func write(
    _ script: String, as name: String? = nil, methods: [String] = Stage.methods,
    change: (inout JSONObject) -> Void = { _ in }
  ) throws -> String {
    let path = "\(directory)/bundles/\(name ?? script)"
    for folder in ["\(directory)/bundles", path] { mkdir(folder, 0o755) }
    let code = readFile("\(Self.scripts)/\(script).py")
    writeFile("\(path)/\(script).py", code, mode: 0o755)
    writeFile("\(path)/wire.py", readFile("\(Self.scripts)/wire.py"))
    var hasher = StreamHasher(.sha256)
    code.withUnsafeBytes { hasher.update($0) }
    var manifest: JSONObject = [
      "id": .string("org.example.\(script.replacing("_", with: "-"))"), "name": "Test", "vendor": "Tests",
      "version": "1.0.0", "executable": .string("\(script).py"), "sha256": .string(hasher.digest().value),
      "protocol": ["min": "1.0", "max": "1.0"], "profiles": ["pve-storage": ["min": 9, "max": 15]],
      "concurrency": "serial", "fencing": "none",
      "storageTypes": [
        [
          "type": .string("t-\(script.replacing("_", with: "-"))"), "roles": ["file"],
          "content": ["supported": ["images"], "default": ["images"]],
          "formats": ["supported": ["raw"], "default": "raw"], "volumeNames": "directory",
          "configSchema": [
            "type": "object",
            "properties": ["password": ["type": "string", "x-sensitive": true], "path": ["type": "string"]],
            "additionalProperties": false,
          ],
        ]
      ],
      "methods": .array(methods.map { .string($0) }),
    ]
    change(&manifest)
    var text: [UInt8] = []
    JSON.object(manifest).write(into: &text)
    writeFile("\(path)/manifest.json", text)
    return path
  }

  /// A supervised instance of the script, with short times.
  func instance(
    _ script: String, services: any HostServices = NoHostServices(), manifest: (inout JSONObject) -> Void = { _ in },
    change: (inout InstanceConfiguration) -> Void = { _ in }
  ) throws -> PluginInstance {
    try instance(of: try bundle(script, change: manifest), services: services, change: change)
  }

  func instance(
    of bundle: PluginBundle, services: any HostServices = NoHostServices(), uid: UInt32? = nil,
    permissions: Permissions = Permissions(), launcher: (any PluginLauncher)? = nil,
    change: (inout InstanceConfiguration) -> Void = { _ in }, planning: (inout LaunchPlan) -> Void = { _ in }
  ) throws -> PluginInstance {
    let streams = "\(directory)/streams"
    mkdir(streams, 0o711)
    let state = "\(directory)/state"
    mkdir(state, 0o700)
    let uid = uid ?? Self.nextUID.wrappingAdd(1, ordering: .relaxed).newValue
    chown(state, uid, uid)
    var configuration = InstanceConfiguration(
      bundle: bundle, storeid: "local", storageType: bundle.manifest.storageTypes[0].type,
      host: HostInfo(name: "berth", version: "0", node: "test"), streamsPath: streams)
    configuration.secretNames = ["password"]
    configuration.cancelGrace = .milliseconds(300)
    configuration.terminateGrace = .milliseconds(300)
    configuration.shutdownTimeout = .seconds(2)
    configuration.restart = RestartPolicy(firstDelay: .milliseconds(50), longestDelay: .milliseconds(200))
    change(&configuration)
    var plan = LaunchPlan(
      instance: "local", mode: .privileged, bundle: bundle.path, executable: bundle.manifest.executable,
      permissions: permissions, uid: uid)
    plan.streamsDirectory = streams
    plan.stateDirectory = state
    planning(&plan)
    let final = plan
    return PluginInstance(
      configuration: configuration, launcher: launcher ?? SandboxLauncher(self.launcher), services: services,
      reactor: reactor, logger: log.logger
    ) { _ in final }
  }

  /// Closes the instance and checks that no process of its user and no FIFO is left.
  func finish(_ instance: PluginInstance) async throws {
    let uid = await instance.status.uid
    try await instance.close(reason: "the test is over")
    #expect(await instance.status.state == .closed)
    if let uid { #expect(Self.processes(of: uid) == [], "processes left") }
    #expect(listing("\(directory)/streams") == [], "FIFOs left")
    await reactor.shutdown()
    try await launcher.removeLeftovers()
  }

  /// Processes that run as the user, by their /proc entries.
  static func processes(of uid: UInt32) -> [String] {
    listing("/proc").filter { name in
      var status = stat()
      return Int32(name) != nil && stat("/proc/\(name)", &status) == 0 && status.st_uid == uid
    }
  }

  static let scfg: JSONObject = ["storeid": "local", "scfg": [:]]

  static func scfg(_ what: String, _ more: JSONObject = [:]) -> JSONObject {
    var scfg = more
    scfg["do"] = .string(what)
    return ["storeid": "local", "scfg": .object(scfg)]
  }
}

/// The error of a body that must fail.
func failure(_ body: () async throws(StorageError) -> some Any) async -> StorageError? {
  do throws(StorageError) {
    let value = try await body()
    Issue.record("it worked: \(value)")
    return nil
  } catch {
    return error
  }
}
