// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The daemon of Berth: parses its arguments, wires the modules together, runs until it is told to stop.
@main
struct Berthd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "berthd",
    abstract: "The storage host: runs storage plugins in sandboxes and serves the management API.",
    discussion: """
      SIGTERM and SIGINT drain it: no new requests, running ones end (for --grace seconds at most), plugins are \
      stopped. SIGHUP looks at the plugin directories again, as `berth plugin rescan`. Killed at any moment it loses nothing it has acknowledged: the next start settles what was under way.
      """,
    version: DaemonDefaults.version)

  @Option(help: ArgumentHelp("Durable state: storage.cfg, secrets, the journal.", valueName: "directory"))
  var stateDir = DaemonDefaults.stateDirectory
  @Option(help: ArgumentHelp("What may vanish at a reboot: the socket, streams.", valueName: "directory"))
  var runDir = DaemonDefaults.runDirectory
  @Option(
    help: ArgumentHelp(
      "Where plugin bundles are, repeatable (default: /usr/lib/berth/plugins and /usr/local/lib/berth/plugins).",
      valueName: "directory"))
  var pluginDir: [String] = []
  @Option(help: "The least that is logged: trace, debug, info, notice, warning, error or critical.")
  var logLevel = LogLevel.info
  @Option(help: ArgumentHelp("The group whose members may use the API.", valueName: "name"))
  var socketGroup = "berth"
  @Option(help: "`required` refuses to start when this machine lacks a layer every plugin must have; or best-effort.")
  var sandbox = SandboxPolicy.required
  @Option(help: ArgumentHelp("This machine's name, as in `nodes` of a storage.", valueName: "name"))
  var node = DaemonDefaults.node
  @Option(help: ArgumentHelp("How long running jobs may take once it is told to stop.", valueName: "seconds"))
  var grace = 30
  @Option(help: ArgumentHelp("The launcher program; found beside berthd without.", valueName: "path"))
  var launcher: String?
  @Option(
    help: ArgumentHelp(
      "The socket of a launcher server (berth-launcher --server), which then starts the plugins; berthd itself needs no "
        + "privilege.", valueName: "path"))
  var launcherSocket: String?

  func validate() throws {
    guard (0...86_400).contains(grace) else { throw ValidationError("--grace must be 0 to 86400") }
  }

  func run() async throws {
    do { try await Daemon(self).run() } catch { StartFailure.exit(error) }
  }
}
