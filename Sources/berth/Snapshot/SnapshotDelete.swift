// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth snapshot delete`
struct SnapshotDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Remove a snapshot.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Argument(help: "The snapshot's name.") var name: String
  @OptionGroup var job: JobOptions

  func run() async throws {
    try await global.with { client in
      try await JobRunner.run(.deleteSnapshot(volume, name), client: client, global: global, options: job)
    }
  }
}
