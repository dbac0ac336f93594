// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import BerthClient
import Glibc
import JSON
import ManagementTypes

/// A daemon of the benchmark's own, with the sample plugins.
final class BenchDaemon {
  let directory: String
  let client: BerthClient
  private(set) var pid: pid_t = 0

  var plugins: String { directory + "/plugins" }
  var socket: String { directory + "/run/berth.sock" }

  /// Makes the bundles and starts the daemon; returns when it answers.
  init() async throws {
    directory = temporaryDirectory()
    // Plugins run under users of their own and must be able to reach what they are granted.
    chmod(directory, 0o755)
    client = BerthClient(socket: directory + "/run/berth.sock")
    try await run("/usr/bin/python3", ["scripts/bundle", "--all", plugins])
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    pid = try spawn(
      programDirectory() + "/berthd",
      [
        "--state-dir", directory + "/state", "--run-dir", directory + "/run", "--plugin-dir", plugins, "--grace", "2",
        "--log-level", "critical",
      ], input: null, output: null)
    for _ in 0..<600 {
      if (try? await client.version()) != nil { return }
      guard kill(pid, 0) == 0 else { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw BenchmarkError("berthd does not answer")
  }

  /// Measures with a daemon of its own, which ends with it.
  static func with(_ measure: (BenchDaemon) async throws -> [Figure]) async throws -> [Figure] {
    let daemon = try await BenchDaemon()
    do {
      let figures = try await measure(daemon)
      try await daemon.stop()
      return figures
    } catch {
      try? await daemon.stop()
      throw error
    }
  }

  /// A new directory for a storage.
  func makeDirectory(_ name: String) -> String {
    let path = directory + "/" + name
    mkdir(path, 0o755)
    return path
  }

  /// Adds a storage over a directory, with consent to what its plugin asks for.
  func add(_ storeid: String, type: String, plugin: String, path: String) async throws {
    let digest = try await client.plugin(plugin).digest
    _ = try await client.addStorage(
      StorageCreate(storeid: storeid, type: type, properties: ["path": .string(path)], consent: digest))
  }

  /// Ends the daemon and removes everything.
  func stop() async throws {
    await client.shutdown()
    kill(pid, SIGTERM)
    try? await waitFor(pid)
    try await run("/bin/rm", ["-rf", directory])
  }
}

/// Runs a program; its output is dropped.
func run(_ program: String, _ arguments: [String]) async throws {
  let null = open("/dev/null", O_RDWR | O_CLOEXEC)
  defer { close(null) }
  try await waitFor(spawn(program, arguments, input: null, output: null))
}

/// Where this program lies, and the daemon beside it.
func programDirectory() -> String {
  peerProgram().split(separator: "/").dropLast().map { "/\($0)" }.joined()
}
