// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import Glibc

/// A launcher server of this run's own, in a directory of its own that plugins may be given to write to.
struct LauncherServer {
  let directory = temporaryDirectory()
  var socket: String { directory + "/launcher.sock" }
  private let pid: pid_t

  /// - Parameter program: the launcher's path.
  init(_ program: String) throws {
    chmod(directory, 0o755)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    let socket = directory + "/launcher.sock"
    pid = try spawn(program, ["--server", socket, "--writable", directory], input: null, output: null)
    for _ in 0..<500 where access(socket, F_OK) != 0 { usleep(10_000) }
  }

  func stop() {
    kill(pid, SIGTERM)
    waitpid(pid, nil, 0)
    _ = system("rm -rf '\(directory)'")
  }
}
