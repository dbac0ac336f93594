// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient

/// `berth volume unmap`
struct VolumeUnmap: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unmap", abstract: "Take a volume's mapping away.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Option(help: "This snapshot of it.") var snapshot: String?

  func run() async throws {
    try await global.with { client in try await client.unmapVolume(volume, snapshot: snapshot) }
  }
}
