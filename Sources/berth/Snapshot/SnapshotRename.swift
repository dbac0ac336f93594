// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth snapshot rename`
struct SnapshotRename: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rename", abstract: "Give a snapshot another name.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Argument(help: "The snapshot's name.") var name: String
  @Argument(help: "Its new name.") var newName: String
  @OptionGroup var job: JobOptions

  func run() async throws {
    try await global.with { client in
      try await JobRunner.run(
        .renameSnapshot(volume, name, to: newName), client: client, global: global, options: job)
    }
  }
}
