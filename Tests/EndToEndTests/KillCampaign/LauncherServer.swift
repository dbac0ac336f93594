// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

/// The long-lived launcher as its unit runs it, on a socket of its own; it ends with the last reference.
final class LauncherServer: Sendable {
  let socket: String
  private let directory: String
  private let scope: String
  private let pid = Mutex<Int32>(0)

  /// - Parameter host: whose plugins it starts.
  init(_ host: Installation) async throws {
    socket = host.directory.file("launcher.sock")
    directory = host.directory.path
    scope = host.scope
    try await start()
  }

  deinit {
    let child = pid.withLock { $0 }
    guard child > 0 else { return }
    kill(child, SIGTERM)
    waitpid(child, nil, 0)
  }

  /// kill -9.
  /// - Parameter takingPlugins: kill all that it started as well, as systemd does with what is left of a unit.
  func kill9(takingPlugins: Bool) {
    let child = pid.withLock { pid in
      defer { pid = 0 }
      return pid
    }
    guard child > 0 else { return }
    kill(child, SIGKILL)
    waitpid(child, nil, 0)
    guard takingPlugins else { return }
    for leaf in ControlGroups.leaves(scope: scope) {
      for line in String(decoding: ProcessTable.readFileIfThere(leaf + "/cgroup.procs"), as: UTF8.self).split(
        separator: "\n")
      {
        if let pid = Int32(line), pid > 1 { kill(pid, SIGKILL) }
      }
    }
  }

  /// Starts another one and waits until it answers.
  func start() async throws {
    unlink(socket)
    let child = Program.start(
      Program.products + "/berth-launcher", ["--server", socket, "--writable", directory], output: -1,
      errors: 2)
    try #require(child > 0)
    pid.withLock { $0 = child }
    let path = socket
    try #require(await eventually { access(path, F_OK) == 0 }, "the launcher does not answer")
  }
}
