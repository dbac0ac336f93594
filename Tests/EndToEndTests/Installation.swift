// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import CShims
import Glibc
import JSON
import ManagementTypes
import PluginSandbox
import Synchronization
import TestSupport
import Testing

/// A daemon of its own with state, plugins and a directory to keep volumes in; all of it goes with the last reference.
final class Installation: Sendable {
  let directory = TemporaryDirectory(prefix: "berth-e2e")
  private let pid = Mutex<Int32>(0)

  var stateDirectory: String { directory.file("state") }
  var runDirectory: String { directory.file("run") }
  var plugins: String { directory.file("plugins") }
  var store: String { directory.file("store") }
  var socket: String { runDirectory + "/berth.sock" }
  var log: String { String(decoding: readFile(directory.file("log")), as: UTF8.self) }
  var daemon: Int32 { pid.withLock { $0 } }

  init() async throws {
    // Plugins run under users of their own and reach their storage through a mount of exactly that directory.
    chmod(directory.path, 0o755)
    mkdir(store, 0o755)
    _ = try await Program.tool("python3", Program.checkout + "/scripts/bundle", "--all", plugins)
  }

  deinit {
    let pid = daemon
    if pid > 0 {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    ControlGroups.remove(scope: scope)
  }

  /// The daemon's part of the control groups.
  var scope: String { Launcher.scope(stateDirectory: stateDirectory) }

  /// The daemon's arguments.
  var arguments: [String] {
    ["--state-dir", stateDirectory, "--run-dir", runDirectory, "--plugin-dir", plugins, "--grace", "5"]
  }

  /// Starts the daemon and waits until it answers.
  func start(_ more: String...) async throws {
    try launch(more)
    let child = daemon
    let answers = await eventually(within: .seconds(60)) {
      await self.isAnswering() || !ProcessTable.isAlive(child)
    }
    try #require(answers, "the daemon does not answer: \(self.log)")
    let isAnswering = await isAnswering()
    try #require(isAnswering, "it ended: \(self.log)")
  }

  /// Starts the daemon and does not wait.
  func launch(_ more: [String] = []) throws {
    let log = open(directory.file("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { close(log) }
    let child = Program.start(
      Program.products + "/berthd", arguments + more, output: log, errors: log, ownGroup: true)
    try #require(child > 0)
    pid.withLock { $0 = child }
  }

  /// Whether this very daemon answers: an earlier one's socket does not count.
  private func isAnswering() async -> Bool {
    await BerthClient.with(socket: socket) { client in
      do throws(ClientError) { return try await client.health().pid == Int(daemon) } catch { return false }
    }
  }

  /// Asks the daemon to stop and waits for its end.
  @discardableResult
  func stop(_ signal: Int32 = SIGTERM) async -> Int32 {
    let child = pid.withLock { pid in
      defer { pid = 0 }
      return pid
    }
    guard child > 0 else { return -1 }
    kill(child, signal)
    return await Program.wait(child)
  }

  /// Runs the command line against this daemon.
  func berth(_ arguments: String..., input: [UInt8]? = nil) async -> Program.Finished {
    await Program.run(
      Program.products + "/berth", arguments, environment: ["BERTH_SOCKET": socket], input: input)
  }

  /// The same; must succeed. Returns what it printed.
  @discardableResult
  func succeed(
    _ arguments: String..., input: [UInt8]? = nil, at location: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let run = await Program.run(
      Program.products + "/berth", arguments, environment: ["BERTH_SOCKET": socket], input: input)
    try #require(run.status == 0, "berth \(arguments.joined(separator: " ")): \(run.errors)", sourceLocation: location)
    return run.text
  }

  /// Adds the storage `local` of the directory plugin.
  func addStorage(path: String? = nil) async throws {
    try await succeed("storage", "add", "directory", "local", "--option", "path=\(path ?? store)", "--consent")
  }

  /// The ids of the storage's volumes, sorted.
  func volumes(_ storage: String = "local") async throws -> [String] {
    let lines = try await succeed("volume", "list", storage, "--json").split(separator: "\n")
    return try lines.map { try #require(JSON.parse(Array($0.utf8))["volid"]?.stringValue) }.sorted()
  }

  /// The image files in the store, as volume names, sorted: what is really there.
  func files() -> [String] {
    var found: [String] = []
    for guest in Self.entries(store + "/images") {
      for name in Self.entries("\(store)/images/\(guest)") { found.append("\(guest)/\(name)") }
    }
    return found.sorted()
  }

  /// The names in a directory; none when it is not there.
  static func entries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
