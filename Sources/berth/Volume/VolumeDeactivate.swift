// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient

/// `berth volume deactivate`
struct VolumeDeactivate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deactivate", abstract: "End the use of a volume on this node.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Option(help: "This snapshot of it.") var snapshot: String?

  func run() async throws {
    try await global.with { client in try await client.deactivateVolume(volume, snapshot: snapshot) }
  }
}
