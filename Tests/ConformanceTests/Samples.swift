// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Crypto
import Glibc
import JSON
import PluginSandbox
import PluginSupervisor
import TestSupport
import Testing

@testable import Conformance

/// Bundles of the sample plugins and of wrong ones made from them.
enum Samples {
  static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

  /// The build's own programs stand beside the running tests.
  private static let products: String = {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    return (own.map { String(cString: $0) } ?? "").split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
  }()

  static let launcher = products + "/berth-launcher"

  /// Makes a bundle of a sample in `directory`; `change` edits the text of its program.
  static func bundle(
    _ name: String, in directory: String, change: (String) -> String = { $0 }, manifest edit: (JSON) -> JSON = { $0 }
  ) throws -> String {
    #expect(run("/usr/bin/python3", ["\(root)/scripts/bundle", "\(root)/sample-plugins/\(name)", directory]) == 0)
    let bundle = "\(directory)/\(name)"
    var json = try JSON.parse(readFile("\(bundle)/manifest.json"))
    let program = "\(bundle)/\(json["executable"]?.stringValue ?? "")"
    let text = Array(change(String(decoding: readFile(program), as: UTF8.self)).utf8)
    try replace(program, text, mode: 0o755)
    if case .object(var object) = json {
      object["sha256"] = .string(SHA256.hash(data: text).map { hex($0) }.joined())
      json = .object(object)
    }
    try replace("\(bundle)/manifest.json", edit(json).bytes(), mode: 0o644)
    return bundle
  }

  /// Makes a bundle of the Swift kit's plugin.
  static func kit(in directory: String) throws -> String {
    let bundle = directory + "/kit"
    try #require(mkdir(bundle, 0o755) == 0)
    let program = readFile("\(products)/kit-plugin")
    try replace("\(bundle)/kit-plugin", program, mode: 0o755)
    // The language's libraries lie beside it, where the loader finds them with the help of /proc/self.
    let maps = String(decoding: readFile("/proc/self/maps"), as: UTF8.self)
    let core = maps.split(separator: "\n").first { $0.hasSuffix("/libswiftCore.so") }?.split(separator: " ").last
    let libraries = try #require(core).dropLast("/libswiftCore.so".count)
    let copy = "cp -L \(libraries)/libswift*.so \(libraries)/libdispatch.so \(libraries)/libBlocksRuntime.so \(bundle)"
    try #require(run("/bin/sh", ["-c", copy]) == 0)
    let sha256 = SHA256.hash(data: program).map { hex($0) }.joined()
    let manifest = """
      {"id": "org.berth.test.kit", "name": "Kit", "vendor": "The Berth developers", "version": "1.0",
       "executable": "kit-plugin", "sha256": "\(sha256)", "protocol": {"min": "1.0", "max": "1.0"},
       "profiles": {"pve-storage": {"min": 9, "max": 15}}, "concurrency": "parallel", "fencing": "session",
       "storageTypes": [{"type": "kit", "title": "Kit", "roles": ["file"],
         "content": {"supported": ["images"], "default": ["images"]},
         "formats": {"supported": ["raw"], "default": "raw"}, "volumeNames": "directory",
         "configSchema": {"type": "object", "properties": {}, "additionalProperties": false}}],
       "methods": ["activate_storage", "alloc_image", "free_image", "list_images", "status", "volume_size_info"],
       "permissions": {"runtime": {"procSelf": true, "threads": true, "memoryMax": 536870912}}}
      """
    try replace("\(bundle)/manifest.json", Array(manifest.utf8), mode: 0o644)
    return bundle
  }

  private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  private static func replace(_ path: String, _ bytes: [UInt8], mode: mode_t) throws {
    unlink(path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private static func run(_ program: String, _ arguments: [String]) -> Int32 {
    let argv = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    let pid = berth_spawn(program, argv, environ, -1, -1, 2, 1)
    guard pid > 0 else { return -1 }
    let pidfd = berth_pidfd_open(pid)
    defer { close(pidfd) }
    var end = berth_exit()
    _ = berth_pidfd_wait(pidfd, &end)
    return end.code
  }

  /// Runs checks against a bundle in the sandbox.
  static func check(
    _ bundle: String, only: [String] = [], patience: Duration = .seconds(60),
    options: [(key: String, value: String)] = [], in directory: String
  ) async throws -> Report {
    chmod(directory, 0o711)
    let launcher = SandboxLauncher(
      Launcher(transport: .program(path: "\(products)/berth-launcher"), scope: "conformance-test-\(getpid())"))
    var target = Target(
      bundle: bundle, workDirectory: directory, launcher: launcher, mode: geteuid() == 0 ? .privileged : .unprivileged)
    target.options = options
    target.patience = patience
    target.volumeSize = 2 << 20
    var runner = Runner(target: target)
    runner.only = only
    let report = await runner.run()
    try await launcher.removeLeftovers()
    return report
  }
}
