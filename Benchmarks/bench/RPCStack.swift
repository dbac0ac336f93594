// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import JSON
import JSONRPC
import Logging
import PluginSandbox
import PluginSupervisor
import StorageProtocol

/// A call as the host makes it (``PluginInstance``: gate, deadline, context, parent table) to a sandboxed C plugin,
/// against two C programs passing the same bytes to and fro. The plugin polls for its next request for some microseconds;
/// another one that sleeps in read(2) is shown beside it.
func benchmarkRPCStack() async throws -> [Figure] {
  let directory = temporaryDirectory()
  defer {
    unlink(directory + "/bundle/bench-peer")
    rmdir(directory + "/bundle")
    rmdir(directory)
  }
  try makeBundle(in: directory)
  let launcher = Launcher(transport: .program(path: try Launcher.defaultProgram()), scope: "bench-\(getpid())")
  var figures: [Figure] = []
  for (style, placements) in [("polls", Placement.allCases), ("sleeps", [.scheduled])] {
    for placement in placements {
      figures += try await placement.holds { try await stackFigures(directory, launcher, style, placement) }
    }
  }
  try await launcher.removeLeftovers()
  return figures
}

private func stackFigures(
  _ directory: String, _ launcher: Launcher, _ style: String, _ placement: Placement
) async throws -> [Figure] {
  let instance = try makeInstance(in: directory, launcher, style)
  try await instance.start()
  var figures: [Figure] = []
  for (name, size) in [("200 B", 200), ("4 KiB", 4096)] {
    let params = params(lineBytes: size)
    let floor = try PingPong(size: size)
    try await placement.settle()
    for _ in 0..<1000 { _ = try await instance.call("status", params) }
    let (call, pipe) = try await inTurns(rounds: 12) {
      median(try await batchTimes { _ = try await instance.call("status", params) })
    } _: {
      try await floor.batch()
    }
    try await floor.stop()
    figures.append(
      Figure(
        name: "rpc whole stack \(name), plugin \(style), \(placement.rawValue)", figure: call, peer: pipe,
        peerName: "C pipe ping-pong", unit: "µs",
        target: style == "polls" && placement != .oneProcessor ? .atMost(1.5) : .none))
  }
  try await instance.close(reason: "the benchmark is over")
  return figures
}

/// Arguments that make the request's line so many bytes long.
private func params(lineBytes: Int) -> JSONObject {
  let frame =
    #"{"jsonrpc":"2.0","id":1000,"method":"status","params":{"storeid":"bench","scfg":{"data":""},"#.utf8.count
    + #""context":{"timeoutMs":4999}}}"#.utf8.count + 1
  return [
    "storeid": "bench", "scfg": ["data": .string(String(repeating: "x", count: max(0, lineBytes - frame)))],
  ]
}

private func makeBundle(in directory: String) throws {
  chmod(directory, 0o755)
  let bundle = directory + "/bundle"
  mkdir(bundle, 0o755)
  guard link(peerProgram(), bundle + "/bench-peer") == 0 || copy(peerProgram(), bundle + "/bench-peer") else {
    throw BenchmarkError("cannot make a bundle in \(bundle)")
  }
}

private func makeInstance(in directory: String, _ launcher: Launcher, _ style: String) throws -> PluginInstance {
  let bundle = directory + "/bundle"
  let manifest: JSON = [
    "id": "org.berth.bench", "name": "Bench", "vendor": "The Berth developers", "version": "1.0.0",
    "executable": "bench-peer", "sha256": .string(String(repeating: "0", count: 64)),
    "protocol": ["min": "1.0", "max": "1.0"], "concurrency": "parallel", "fencing": "none",
    "storageTypes": [
      [
        "type": "bench", "roles": ["file"], "content": ["supported": ["images"], "default": ["images"]],
        "formats": ["supported": ["raw"], "default": "raw"], "volumeNames": "directory",
        "configSchema": ["type": "object", "properties": [:], "additionalProperties": false],
      ]
    ],
    "methods": ["activate_storage", "status", "list_images", "alloc_image", "free_image", "volume_size_info"],
  ]
  let checked = PluginBundle(
    path: bundle, manifest: try PluginManifest(json: manifest), digest: "", protocolVersion: ProtocolVersion(1, 0))
  let configuration = InstanceConfiguration(
    bundle: checked, storeid: "bench", storageType: "bench",
    host: HostInfo(name: "bench", version: "0", node: "bench"))
  var plan = LaunchPlan(
    instance: "bench", mode: geteuid() == 0 ? .privileged : .unprivileged, bundle: bundle, executable: "bench-peer",
    uid: geteuid() == 0 ? 649_999 : geteuid())
  plan.arguments = ["plugin", style]
  // The package manager links the Swift runtime even into a C program: it must be found inside too.
  plan.systemDirectories += runtimeDirectories()
  let final = plan
  return PluginInstance(
    configuration: configuration, launcher: SandboxLauncher(launcher), services: NoHostServices(),
    reactor: try Reactor(), logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
  ) { _ in final }
}

/// Where this program's own Swift runtime lies, when it is linked dynamically.
func runtimeDirectories() -> [String] {
  let maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
  defer { close(maps) }
  var text: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while case let count = read(maps, &buffer, buffer.count), count > 0 { text += buffer[..<count] }
  let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
  guard let line = lines.first(where: { $0.hasSuffix("/libswiftCore.so") }), let start = line.firstIndex(of: "/") else {
    return []
  }
  return [line[start...].split(separator: "/").dropLast().map { "/\($0)" }.joined()]
}

private func copy(_ from: String, _ to: String) -> Bool {
  let source = open(from, O_RDONLY | O_CLOEXEC)
  let target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o755)
  defer {
    close(source)
    close(target)
  }
  var buffer = [UInt8](repeating: 0, count: 1 << 20)
  while case let count = read(source, &buffer, buffer.count), count > 0 {
    guard write(target, buffer, count) == count else { return false }
  }
  return source >= 0 && target >= 0
}
