// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume map`
struct VolumeMap: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "map", abstract: "Map a volume to a path or device of this node, which is printed.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Option(help: "This snapshot of it.") var snapshot: String?

  func run() async throws {
    let path = try await global.with { client in try await client.mapVolume(volume, snapshot: snapshot) }
    if global.json { Output.json(path) } else { Output.line(path.path) }
  }
}
