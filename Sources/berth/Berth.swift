// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The command line of Berth: one folder a noun, one file a verb.
@main
struct Berth: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "berth",
    abstract: "Manage the storages of this host and the disk images on them.",
    discussion: """
      berth talks to berthd, the daemon, over its Unix socket: --socket, else $BERTH_SOCKET, else the usual place. \
      Every listing takes --json for programs. Sizes are bytes or take K, M, G, T, P, E (powers of 1024).

      Exit codes:
        0   done
        1   the operation failed
        2   the command line is wrong
        3   berthd is not running
        4   you may not do that
        5   there is no such storage, volume, snapshot, plugin or job
        6   it conflicts with what is there: exists already, is in use, was changed by someone else
        7   there is no space
        8   busy or timed out: trying again later may help
        9   cancelled
        10  failed with an unknown or partial outcome: look before you repeat it
      """,
    version: berthVersion,
    subcommands: [
      CallCommand.self, ConfigCommand.self, DaemonCommand.self, ExportCommand.self, ImportCommand.self, JobCommand.self,
      LockCommand.self, PluginCommand.self, PruneCommand.self, ReconcileCommand.self, SnapshotCommand.self,
      StorageCommand.self, VersionCommand.self, VolumeCommand.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      Failure.exit(error)
    }
  }
}
