// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume path`
struct VolumePath: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "path", abstract: "Show where a guest opens a volume.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Option(help: "The path of this snapshot.") var snapshot: String?

  func run() async throws {
    let path = try await global.with { client in try await client.path(volume, snapshot: snapshot) }
    if global.json { Output.json(path) } else { Output.line(path.path) }
  }
}
