// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import Glibc

/// What every command that talks to the daemon takes.
struct GlobalOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The daemon's socket.", valueName: "path"))
  var socket: String?

  @Flag(help: "Print JSON for programs.")
  var json = false

  /// The socket that holds: the option, `BERTH_SOCKET`, else where a daemon of this user puts it.
  var socketPath: String {
    if let socket { return socket }
    if let named = environment("BERTH_SOCKET") { return named }
    if geteuid() != 0, let runtime = environment("XDG_RUNTIME_DIR") {
      let own = runtime + "/berth/berth.sock"
      if access(own, F_OK) == 0 { return own }
    }
    return "/run/berth/berth.sock"
  }

  /// Runs the body with a client and closes its connections.
  func with<R: Sendable>(_ body: (BerthClient) async throws -> R) async throws -> R {
    Failure.asJSON = json
    return try await BerthClient.with(socket: socketPath, body)
  }
}

/// A variable of the environment that is set and not empty.
func environment(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}
